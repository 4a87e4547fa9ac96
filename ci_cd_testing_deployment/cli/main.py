"""The command `fraud`: one table of verbs, each loaded only when it is asked for.

This module knows where a verb lives and how an error is shown; what a verb does, its own module knows.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

import typer
from pydantic import ValidationError

import config
from fraud_prevention.domain.errors import FraudError

VERBS: dict[str, str] = {
    # verb: module under ci_cd_testing_deployment.cli, then the typer app (a group) or the function (a single verb)
    "stack": "stack:app",
    "demo": "demo:demo",
    "generate": "data:generate",
    "import": "data:import_",
    "produce": "data:produce",
    "dlq": "dlq:app",
    "train": "train:train",
    "models": "models:app",
    "features": "features:app",
    "skew": "skew:skew",
    "state": "state:app",
    "contracts": "contracts:contracts",
    "settings": "settings:settings",
}
"""Every verb of the command, in the order in which `fraud --help` lists them."""


class VerbGroup(typer.core.TyperGroup):
    """Finds verbs in the table; shows an error of the business as one sentence and ends with code 1.

    Types of the parser are `Any` here because typer keeps its copy of click private.
    """

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - the table does not depend on the context
        return list(VERBS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002 - as above
        return load_verb(cmd_name) if cmd_name in VERBS else None

    def invoke(self, ctx: Any) -> Any:
        try:
            config.load_run_env()
            config.check_environment()
            return super().invoke(ctx)
        except (FraudError, config.UnknownSetting) as error:
            message = str(error)
        except ValidationError as error:
            message = settings_message(error)
        typer.secho(f"fraud: {message}", fg=typer.colors.RED, err=True)
        raise typer.Exit(1)


def load_verb(name: str) -> Any:
    """Import the module of one verb and return its parser.

    Raises KeyError for a name that is not in the table.
    """
    module, attribute = VERBS[name].split(":")
    target: typer.Typer | Callable[..., Any] = getattr(
        import_module(f"ci_cd_testing_deployment.cli.{module}"), attribute
    )
    if isinstance(target, typer.Typer):
        command = typer.main.get_group(target)
    else:
        single = typer.Typer(add_completion=False)
        single.command(name)(target)
        command = typer.main.get_command(single)  # type: ignore[assignment]  # a command where a group was above
    command.name = name
    return command


def settings_message(error: ValidationError) -> str:
    """One sentence that names each variable that is missing or wrong.

    Re-raises an error that is not about settings: that one is a defect, and its traceback is wanted.
    """
    prefixes = {group.__name__: str(group.model_config["env_prefix"]) for group in config.GROUPS}
    if error.title not in prefixes:
        raise error
    causes = [
        f"{prefixes[error.title]}{'_'.join(map(str, e['loc']))}".upper() + f": {e['msg']}" for e in error.errors()
    ]
    return "; ".join(causes) + " (`fraud settings` lists them all; `fraud stack up` sets those of the local servers)"


app = typer.Typer(
    cls=VerbGroup,
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
    help="Fraudstream: transactions in, explained decisions, alerts and cases out.",
    epilog="Example: fraud stack up",
)


@app.callback()
def fraud() -> None:
    """Fraudstream: transactions in, explained decisions, alerts and cases out."""
