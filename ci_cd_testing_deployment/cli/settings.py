"""`fraud settings`: every setting with its variable, default and meaning; docs/settings.md is its output."""

from __future__ import annotations

import json
import os
from typing import Annotated, Any

import typer
from pydantic import SecretStr
from pydantic.fields import FieldInfo

import config

HEADER = """# Settings

Each setting is an environment variable. A process reads only the groups that it needs; a variable that has a known
prefix but is not listed here is refused. Paths are relative to the folder of the installation.
This page is the output of `fraud settings --markdown`.
"""


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    text = str(field.default)
    return os.path.relpath(text, config.ROOT) if text.startswith(str(config.ROOT)) else text


def _type(field: FieldInfo) -> str:
    if field.annotation is SecretStr:
        return "secret"
    return getattr(field.annotation, "__name__", str(field.annotation)).replace("typing.", "")


def rows() -> list[dict[str, Any]]:
    """One row per setting: group, variable, type, default, bounds, description, in the order of config.GROUPS."""
    return [
        {
            "group": (group.__doc__ or group.__name__).splitlines()[0],
            "variable": f"{group.model_config['env_prefix']}{name}".upper(),
            "type": _type(field),
            "default": _default(field),
            "description": field.description or "",
        }
        for group in config.GROUPS
        for name, field in group.model_fields.items()
    ]


def markdown() -> str:
    """Return the whole page docs/settings.md."""
    lines, group = [HEADER], ""
    for row in rows():
        if row["group"] != group:
            group = row["group"]
            lines += [f"## {group}", "", "| variable | type | default | meaning |", "|---|---|---|---|"]
        lines.append(f"| `{row['variable']}` | {row['type']} | `{row['default']}` | {row['description']} |")
        if row is rows()[-1]:
            lines.append("")
    return "\n".join(lines)


def settings(
    as_markdown: Annotated[bool, typer.Option("--markdown", help="Print the page docs/settings.md.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON list.")] = False,
) -> None:
    """List every setting: its variable, whether it is set here, its default and its meaning.

    Example: fraud settings --markdown > docs/settings.md
    """
    if as_markdown:
        typer.echo(markdown(), nl=False)
        return
    if as_json:
        typer.echo(json.dumps(rows(), indent=1))
        return
    group = ""
    for row in rows():
        if row["group"] != group:
            group = row["group"]
            typer.secho(f"\n{group}", bold=True)
        mark = "set here" if row["variable"] in os.environ else f"default {row['default']}"
        typer.echo(f"  {row['variable']:38} {mark:34} {row['description']}")
