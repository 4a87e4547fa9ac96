"""`fraud features`: the catalogue for people (docs/features.md) and for machines."""

from __future__ import annotations

import json
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, help="Look at the feature catalogue. Example: fraud features list")

_HEAD = """# Features

Each transaction gets {count} numbers, computed from what the log held before it. Catalogue version `{version}`.
Windows are (t - w, t] over the customer's earlier events, the event itself excluded unless it says so. A late event
sees the events before it in the log that are not newer than it; its vector is never revised, later events see it.
A repeated id changes nothing. At most {cap} events of the last 30 days are kept per customer, the newest ones.
This page is the output of `fraud features list --markdown`.

| feature | entity | aggregate | window | unit | default | with this event | personal data | meaning |
|---|---|---|---|---|---|---|---|---|
"""


def markdown() -> str:
    """The page docs/features.md."""
    from model.features.catalogue import CATALOGUE_VERSION, FEATURE_COUNT, FEATURES
    from model.features.record import CAP

    rows = [
        f"| `{f.name}` | {f.entity} | {f.aggregate} | {f.window} | {f.unit} | {f.default:g} "
        f"| {'yes' if f.includes_current else 'no'} | {f.pii} | {f.description} |"
        for f in FEATURES
    ]
    return _HEAD.format(count=FEATURE_COUNT, version=CATALOGUE_VERSION, cap=CAP) + "\n".join(rows) + "\n"


@app.command("list")
def list_features(
    as_markdown: Annotated[bool, typer.Option("--markdown", help="Print the page docs/features.md.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON list.")] = False,
) -> None:
    """List every feature with its window, unit and meaning. Example: fraud features list"""
    from model.features.catalogue import FEATURES, as_records

    if as_markdown:
        typer.echo(markdown(), nl=False)
    elif as_json:
        typer.echo(json.dumps(as_records(), indent=1))
    else:
        for feature in FEATURES:
            typer.echo(f"{feature.name:28} {feature.unit:10} {feature.description}")
