"""`fraud stack`: the real servers and the applications on this machine."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from config import RUN_DIR

if TYPE_CHECKING:
    from ci_cd_testing_deployment.local.stack import LocalStack
    from ci_cd_testing_deployment.local.status import ServiceStatus

app = typer.Typer(no_args_is_help=True, help="Run Kafka, Redis, PostgreSQL and the applications on this machine.")

_INTERRUPTED = 130


@app.callback()
def choose(
    ctx: typer.Context,
    run_dir: Annotated[
        Path, typer.Option(help="Where data, logs and addresses of this stack are; several can run side by side.")
    ] = RUN_DIR,
) -> None:
    """Example: fraud stack up"""
    ctx.obj = run_dir


def _stack(ctx: typer.Context) -> LocalStack:
    from rich.console import Console

    from ci_cd_testing_deployment.local.progress import OnConsole
    from ci_cd_testing_deployment.local.stack import LocalStack

    return LocalStack(ctx.obj, progress=OnConsole(Console(stderr=True)), patient=False)


@contextmanager
def _reported() -> Iterator[None]:
    """Show an expected failure as one sentence, and let SIGTERM clean up like Ctrl-C."""
    from ci_cd_testing_deployment.local.errors import StackError
    from ci_cd_testing_deployment.local.interrupts import termination_unwinds

    try:
        with termination_unwinds():
            yield
    except StackError as error:
        typer.secho(f"fraud: {error}", fg=typer.colors.RED, err=True)
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        typer.secho("fraud: interrupted; what had been started is stopped again", fg=typer.colors.YELLOW, err=True)
        raise typer.Exit(_INTERRUPTED) from None


@app.command()
def up(
    ctx: typer.Context,
    only: Annotated[
        str, typer.Option(help="Comma-separated services to start, with what they depend on; all by default.")
    ] = "",
    data_only: Annotated[bool, typer.Option("--data-only", help="The servers without the applications.")] = False,
) -> None:
    """Start what is not running yet, wait until it is ready, and write .run/env.

    Example: fraud stack up --only kafka,redis
    """
    from ci_cd_testing_deployment.local.apps import SERVERS

    if only and data_only:
        raise typer.BadParameter("--only and --data-only exclude each other")
    named = [name.strip() for name in only.split(",") if name.strip()]
    stack = _stack(ctx)
    with _reported():
        stack.up(SERVERS if data_only else named or None)
        _show(stack.status())
        typer.echo(f"The addresses are in {stack.place.env_file}; `fraud stack down` stops all of it.")


@app.command()
def down(ctx: typer.Context) -> None:
    """Stop everything that the stack started. Data stays.

    Example: fraud stack down
    """
    with _reported():
        stopped = _stack(ctx).down()
    typer.echo(f"stopped {', '.join(stopped)}" if stopped else "nothing was running")


@app.command()
def status(
    ctx: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object with a list `services`.")] = False,
) -> None:
    """Show what is running, where it listens, and what it takes. Ends with 1 if something has crashed.

    Example: fraud stack status --json
    """
    from ci_cd_testing_deployment.local.status import State

    with _reported():
        rows = _stack(ctx).status()
    if as_json:
        typer.echo(json.dumps({"services": [{**asdict(row), "log": str(row.log)} for row in rows]}))
    else:
        _show(rows)
    if any(row.state is State.CRASHED for row in rows):
        raise typer.Exit(1)


@app.command()
def logs(
    ctx: typer.Context,
    names: Annotated[list[str] | None, typer.Argument(help="Services; all by default.")] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what is written next.")] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", min=0, help="How many lines of the past.")] = 40,
) -> None:
    """Show the end of the logs.

    Example: fraud stack logs kafka -f
    """
    stack = _stack(ctx)
    unknown = set(names or ()) - set(stack.names)
    if unknown:
        raise typer.BadParameter(f"no service named {min(unknown)}; there are {', '.join(stack.names)}")
    paths = [str(path) for path in map(stack.place.log, names or stack.names) if path.exists()]
    if not paths:
        typer.echo("nothing has been logged yet")
        return
    # -F goes on when a restart puts a new file in place.
    os.execvp("tail", ["tail", "-n", str(lines), *(["-F"] if follow else []), *paths])  # noqa: S606 — argument list, no shell


@app.command()
def reset(
    ctx: typer.Context,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Stop everything and delete all stored data: topics, feature state, cases. Models stay.

    Example: fraud stack reset --yes
    """
    stack = _stack(ctx)
    if not yes:
        typer.confirm(f"Delete all data of the stack in {stack.place.run_dir}?", abort=True)
    with _reported():
        stack.reset()
    typer.echo("the stack is stopped and its data is gone")


def _show(rows: list[ServiceStatus]) -> None:
    from rich.console import Console
    from rich.table import Table

    from ci_cd_testing_deployment.local.status import State

    colours = {State.READY: "green", State.NOT_READY: "yellow", State.CRASHED: "red", State.STOPPED: "dim"}
    table = Table(box=None, header_style="bold")
    for title in ("service", "state", "address", "pid", "up for", "memory", "cpu"):
        table.add_column(title, justify="right" if title in {"pid", "up for", "memory", "cpu"} else "left")
    for row in rows:
        table.add_row(
            row.name,
            f"[{colours[row.state]}]{row.state}",
            ", ".join(f"127.0.0.1:{port}" for port in row.ports.values()),
            "" if row.pid is None else str(row.pid),
            "" if row.uptime_s is None else f"{row.uptime_s:.0f} s",
            "" if row.memory_bytes is None else f"{row.memory_bytes / 1e6:.0f} MB",
            "" if row.cpu_s is None else f"{row.cpu_s:.1f} s",
        )
    Console().print(table)
