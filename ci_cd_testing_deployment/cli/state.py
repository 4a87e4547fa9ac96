"""`fraud state`: rebuild or clear the feature state in Redis."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, help="Rebuild or clear the feature state. Example: fraud state clear --yes")


@app.command()
def rebuild(
    history: Annotated[
        Path | None, typer.Option(help="Folder with history.parquet, as `fraud import` writes it.")
    ] = None,
    until: Annotated[datetime | None, typer.Option(help="Only the history's events before this UTC date.")] = None,
    from_log: Annotated[
        bool, typer.Option("--from-log", help="Learn the log again, up to where the stream was; it goes on from there.")
    ] = False,
) -> None:
    """Replace the feature state by what a history gives, the log, or first the one and then the other.

    Stop the stream first. From a history alone, the stream then begins at the start of the log.

    Examples: fraud state rebuild --history .cache/world; fraud state rebuild --from-log
    """
    if history is None and not from_log:
        raise typer.BadParameter("give --history FOLDER, --from-log, or both")
    if history is not None:
        _rebuild_from_history(history, until)
    if from_log:
        _rebuild_from_log(is_clear=history is not None)
    else:
        _forget_positions()


def _rebuild_from_history(history: Path, until: datetime | None) -> None:
    from datetime import UTC

    from ci_cd_testing_deployment.local.rebuild import rebuild_from_history
    from config import RedisSettings

    until_ms = None if until is None else int(until.replace(tzinfo=UTC).timestamp() * 1000)
    found = rebuild_from_history(history, RedisSettings(), until_ms, _show)
    typer.echo(f"\n{found.customers} customers and {found.shared} shared entities from {found.events} events")


def _rebuild_from_log(*, is_clear: bool) -> None:
    from config import IngestSettings, KafkaSettings, ModelSettings, RedisSettings, StreamSettings
    from data_pipeline.stream.bootstrap import rebuild_from_log, stream_config
    from storage_security.redis.client import connect
    from storage_security.redis.state_store import RedisStateStore

    kafka, redis, stream = KafkaSettings(), RedisSettings(), StreamSettings()
    config = stream_config(kafka, redis, ModelSettings(), IngestSettings(), stream)
    if not is_clear:
        RedisStateStore(connect(redis)).clear()
    records = rebuild_from_log(config, kafka, stream, _show)
    typer.echo(f"\nlearned {records} records of the log; the stream goes on behind them")


def _show(done: int, rows: int) -> None:
    typer.echo(f"\rreplayed {done:,} of {rows:,} records", nl=False, err=True)


@app.command()
def clear(yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False) -> None:
    """Remove every feature record, so that the stream can build the state from the log again.

    Example: fraud state clear --yes
    """
    from config import RedisSettings
    from storage_security.redis.client import connect
    from storage_security.redis.state_store import RedisStateStore

    if not yes:
        typer.confirm("Remove all feature state? Decisions know no history until it is rebuilt.", abort=True)
    _forget_positions()
    typer.echo(f"{RedisStateStore(connect(RedisSettings())).clear()} keys removed")


def _forget_positions() -> None:
    """Let the next stream begin where a new one does, for its plan goes with the state."""
    from config import KafkaSettings
    from data_pipeline.stream.plan import INPUTS
    from fraud_prevention.domain.errors import Unavailable
    from fraud_prevention.domain.topics import TRANSACTIONS
    from storage_security.kafka.admin import partitions_of
    from storage_security.kafka.positions import KafkaPositions

    kafka = KafkaSettings()
    try:
        KafkaPositions(kafka, INPUTS, partitions_of(kafka.bootstrap_servers, TRANSACTIONS)).forget()
    except Unavailable as error:
        typer.echo(
            f"{error}; a stream that has run on this log will refuse to start until this has run again", err=True
        )
