"""`fraud skew`: served vectors against recomputed ones, as metrics or as one line of JSON."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from model.features.replay_engines import Replay


def skew(
    history: Annotated[
        Path | None, typer.Option(help="Folder of history that the stream's state was rebuilt from, if it was.")
    ] = None,
    until: Annotated[datetime | None, typer.Option(help="The --until of that rebuild, if it had one.")] = None,
    every_s: Annotated[float | None, typer.Option(help="Seconds between two looks at the log.")] = None,
    share: Annotated[float | None, typer.Option(help="Share of the transactions to compare, above 0 to 1.")] = None,
    port: Annotated[int | None, typer.Option(help="Port of the metrics on the loopback, 0 for any.")] = None,
    once: Annotated[
        bool, typer.Option("--once", help="Read to the present end, print one line of JSON, fail on a mismatch.")
    ] = False,
) -> None:
    """Recompute served feature vectors from the log and count, by feature, where they differ.

    Runs until SIGTERM or Ctrl-C, or once. Options that are not given come from FRAUD_SKEW_* settings.

    Example: fraud skew --once --share 0.1
    """
    from config import IngestSettings, KafkaSettings, SkewSettings
    from data_pipeline.skew.bootstrap import make_follower
    from fraud_prevention.log_format import log_json

    log_json()
    given: dict[str, Any] = {"every_s": every_s, "share": share, "port": port}
    settings = SkewSettings(**{name: value for name, value in given.items() if value is not None})
    follower = make_follower(KafkaSettings(), IngestSettings(), settings, _engine(history, until))
    if not once:
        _serve(follower, settings)
        return
    follower.catch_up(lambda: True)
    follower.meter.close()
    typer.echo(json.dumps(follower.meter.tally.summary()))
    if follower.meter.tally.mismatched_vectors:
        raise typer.Exit(1)


def _engine(history: Path | None, until: datetime | None) -> Replay:
    from data_pipeline.history.replay_folder import replay_folder
    from model.features.replay_engines import Replay

    if history is None:
        return Replay()
    until_ms = None if until is None else int(until.replace(tzinfo=UTC).timestamp() * 1000)
    return replay_folder(history, until_ms, _show)[0]


def _show(done: int, rows: int) -> None:
    typer.echo(f"\rreplayed {done:,} of {rows:,} events", nl=done == rows, err=True)


def _serve(follower: Any, settings: Any) -> None:
    from config import ReadySettings
    from data_pipeline.skew.follow import follow
    from data_pipeline.skew.metrics import served_metrics
    from fraud_prevention.heartbeat import Heartbeat

    with served_metrics(follower, settings.port) as port:
        typer.echo(f"metrics at http://127.0.0.1:{port}/metrics", err=True)
        follow(follower, Heartbeat(ReadySettings().file), settings.every_s)
