"""`fraud demo`: the main job on this machine, on a live world or on history of your own."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import config

if TYPE_CHECKING:
    from ci_cd_testing_deployment.local.stack import LocalStack

WORLD_DIR = config.CACHE_DIR / "world"
REPLAY_DIR = config.CACHE_DIR / "replays"
REPLAY_RUN_DIR = config.RUN_DIR / "replay"
FDH_MAPPING = config.ROOT / "data-pipeline" / "data_pipeline" / "history" / "mappings" / "fdh_mapping.yaml"


def demo(
    seconds: Annotated[float | None, typer.Option(min=1, help="End by itself after so long; else on Ctrl-C.")] = None,
    rate: Annotated[float, typer.Option(min=0.1, help="Transactions a second.")] = 10.0,
    fraud_rate: Annotated[float, typer.Option(min=0, max=0.45, help="Share of fraud in the live stream.")] = 0.03,
    customers: Annotated[int, typer.Option(min=1, help="Customers of the world, when it has to be made.")] = 5_000,
    history_days: Annotated[int, typer.Option(min=30, help="Days of history, when they have to be made.")] = 60,
    seed: Annotated[int, typer.Option(help="Seed of the world, when it has to be made.")] = 7,
    world: Annotated[Path, typer.Option(help="Folder of the world.", show_default=".cache/world")] = WORLD_DIR,
    replay: Annotated[Path | None, typer.Option(help="Replay this history (CSV or Parquet) instead.")] = None,
    mapping: Annotated[Path, typer.Option(help="Mapping of that file.", show_default="fdh_mapping")] = FDH_MAPPING,
    start: Annotated[
        datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="First day (UTC) of a replay.")
    ] = None,
    days: Annotated[int, typer.Option(min=1, help="Days of a replay.")] = 7,
) -> None:
    """Make a world, train, start everything, stream, and print the dashboard's address and a JSON summary.

    With --replay the model is trained on what came before the first day, and the summary gives the figures of
    the live decisions beside the offline ones of the same days.

    Example: fraud demo --seconds 60
    Example: fraud demo --replay transactions.parquet --from 2018-08-08 --days 7
    """
    from ci_cd_testing_deployment.local.errors import StackError
    from ci_cd_testing_deployment.local.interrupts import termination_unwinds

    try:
        with termination_unwinds():
            if replay is None:
                typer.echo(_live(seconds, rate, fraud_rate, customers, history_days, seed, world))
            else:
                if start is None:
                    raise typer.BadParameter("a replay needs --from, its first day")
                typer.echo(_replay(replay, mapping, start, days))
    except StackError as error:
        typer.secho(f"fraud: {error}", fg=typer.colors.RED, err=True)
        raise typer.Exit(1) from None


def _say(text: str) -> None:
    typer.echo(text, err=True)


def _stack(run_dir: Path) -> LocalStack:
    from rich.console import Console

    from ci_cd_testing_deployment.local.progress import OnConsole
    from ci_cd_testing_deployment.local.stack import LocalStack

    return LocalStack(run_dir, progress=OnConsole(Console(stderr=True)), patient=False)


def _live(
    seconds: float | None, rate: float, fraud_rate: float, customers: int, history_days: int, seed: int, world: Path
) -> str:
    from ci_cd_testing_deployment.local.demo import DemoPlan, run_demo

    plan = DemoPlan(world, seconds, rate, fraud_rate, customers, history_days, seed)
    return json.dumps(asdict(run_demo(plan, _stack(config.RUN_DIR), _say)))


def _digest(*files: Path) -> str:
    """Of their content: another file, or another mapping of it, is another import."""
    from hashlib import file_digest, sha256

    digests = []
    for file in files:
        if not file.is_file():
            raise typer.BadParameter(f"there is no file {file}")
        with file.open("rb") as stream:
            digests.append(file_digest(stream, "sha256").digest())
    return sha256(b"".join(digests)).hexdigest()[:12]


def _replay(file: Path, mapping: Path, start: datetime, days: int) -> str:
    from ci_cd_testing_deployment.local.replay_demo import ReplayPlan, run_replay
    from data_pipeline.history.importing import import_history
    from model.training.offline_week import DaySpan

    folder = REPLAY_DIR / f"{file.stem}-{_digest(file, mapping)}"
    if not (folder / "history.parquet").exists():
        _say(f"importing {file}")
        import_history(file, mapping, folder)
    span = DaySpan(int(start.replace(tzinfo=UTC).timestamp() * 1000), days)
    return json.dumps(run_replay(ReplayPlan(folder, span), _stack(REPLAY_RUN_DIR), _say))
