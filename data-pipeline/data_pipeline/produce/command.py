"""The producer as a command: `fraud produce` and `python data-pipeline/kafka_producer.py` are this function."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import Event
from typing import Annotated, Final

import typer

import config
from data_pipeline.history.files import HISTORY_FILE
from data_pipeline.produce.live import LivePosition, choose_start, find_world, live_messages
from data_pipeline.produce.message import Message
from data_pipeline.produce.pace import Pace, ReplayPace, SteadyPace, wall_ms
from data_pipeline.produce.replay import FOREVER_MS, Span, first_time_ms, replay_messages
from data_pipeline.produce.run import Limits, Tally
from data_pipeline.produce.run import produce as send

WORLD_DIR: Final = config.CACHE_DIR / "world"
DAY_MS: Final = 86_400_000
PROGRESS_S: Final = 2.0
MOST_PER_S: Final = 1e6  # with no delay, the source is the limit


def produce(
    delay: Annotated[float | None, typer.Option(min=0.0, help="Seconds between transactions (0.5 by default).")] = None,
    rate: Annotated[float | None, typer.Option(min=0.001, help="Transactions a second, instead of --delay.")] = None,
    num: Annotated[int | None, typer.Option(min=1, help="Stop after so many transactions.")] = None,
    duration: Annotated[float | None, typer.Option(min=0.1, help="Stop after so many seconds.")] = None,
    fraud_rate: Annotated[
        float | None, typer.Option(min=0.0, max=0.45, help="Share of fraud; that of the world by default.")
    ] = None,
    replay: Annotated[Path | None, typer.Option(help="Replay a history file instead of the live world.")] = None,
    speed: Annotated[str, typer.Option(help="Speed of a replay: 60 is an hour a minute; 0 or max, no waiting.")] = "1",
    start: Annotated[
        datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="First day (UTC) of a replay.")
    ] = None,
    days: Annotated[float | None, typer.Option(min=0.001, help="Days of a replay.")] = None,
    as_now: Annotated[bool, typer.Option("--as-now", help="Shift a replay's times so that it starts now.")] = False,
    alone: Annotated[bool, typer.Option("--alone", help="Replay no labels, answers and events beside it.")] = False,
    seed: Annotated[int | None, typer.Option(help="Another world than the one with a history.")] = None,
    customers: Annotated[int | None, typer.Option(min=1, help="Customers of such a world.")] = None,
    world: Annotated[
        Path, typer.Option(help="Folder of the world's history.", show_default=".cache/world")
    ] = WORLD_DIR,
    bootstrap: Annotated[
        str | None, typer.Option(help="Brokers (host:port), else FRAUD_KAFKA_BOOTSTRAP_SERVERS.")
    ] = None,
    client: Annotated[str, typer.Option(help="auto, kafka-python or confluent.")] = "auto",
) -> None:
    """Put a live world (or a replayed history) on Kafka: transactions, and what becomes known about them.

    Ends with one line of JSON; Ctrl-C ends it too, and loses nothing that was sent.

    Example: fraud produce --delay 0.5 --fraud-rate 0.05 --num 1000
    Example: fraud produce --replay .cache/world/history.parquet --speed 60
    """
    settings = config.KafkaSettings() if bootstrap is None else config.KafkaSettings(bootstrap_servers=bootstrap)
    if replay is not None:
        if delay is not None or rate is not None:
            raise typer.BadParameter("a replay has a --speed, not a --rate or --delay")
        run = _replay_run(replay, _speed(speed), start, days, as_now, alone)
    else:
        if delay is not None and rate is not None:
            raise typer.BadParameter("--delay and --rate say the same thing: give one of them")
        per_s = rate if rate is not None else None if delay == 0 else 1 / (0.5 if delay is None else delay)
        expected = num if num is not None else None if duration is None or per_s is None else int(duration * per_s)
        run = _live_run(world, seed, customers, fraud_rate, expected, per_s)
    tally = _send_all(run, settings, client, Limits(num, duration))
    run.remember(tally)
    typer.echo(json.dumps(tally.summary()))
    if tally.undelivered:
        raise typer.Exit(1)


@dataclass(frozen=True, slots=True)
class _Run:
    messages: Iterable[Message]
    pace: Pace
    per_s: float | None  # expected rate, None for as fast as possible
    position: LivePosition | None = None

    def remember(self, tally: Tally) -> None:
        """Note how far a live world was streamed, so that no later run sends the same again."""
        if self.position is not None and tally.source_ms is not None:
            self.position.write(tally.source_ms + 1)


def _speed(text: str) -> float | None:
    if text in {"0", "max"}:
        return None
    with suppress(ValueError):
        if (speed := float(text)) > 0:
            return speed
    raise typer.BadParameter(f"--speed is a number above 0, or max; not {text}")


def _replay_run(
    replay: Path, speed: float | None, start: datetime | None, days: float | None, as_now: bool, alone: bool
) -> _Run:
    path = replay / HISTORY_FILE if replay.is_dir() else replay
    first = first_time_ms(path) if start is None else int(start.replace(tzinfo=UTC).timestamp() * 1000)
    span = Span(first, FOREVER_MS if days is None else first + int(days * DAY_MS))
    pace = ReplayPace(speed, wall_ms() - first if as_now else 0)
    return _Run(replay_messages(path, span, alone), pace, None)


def _live_run(
    directory: Path,
    seed: int | None,
    customers: int | None,
    fraud_rate: float | None,
    transactions: int | None,
    per_s: float | None,
) -> _Run:
    found = find_world(directory, seed, customers, wall_ms())
    is_known = found.is_of(directory)
    if not is_known:
        typer.echo(f"no history of these customers in {directory}: `fraud generate` makes one", err=True)
    position = LivePosition(directory) if is_known else None
    lasts_ms = 0 if transactions is None or per_s is None else int(transactions / per_s * 1000)
    streamed_to = position.read() if position else 0
    live = choose_start(found, streamed_to, fraud_rate, transactions, wall_ms() + lasts_ms)
    return _Run(live_messages(live), SteadyPace(per_s or MOST_PER_S), per_s, position)


def _send_all(run: _Run, settings: config.KafkaSettings, client: str, limits: Limits) -> Tally:
    """Send until the end, or until Ctrl-C or SIGTERM asks for it."""
    from data_pipeline.produce.bootstrap import CLIENTS, open_log

    if client not in CLIENTS:
        raise typer.BadParameter(f"--client is one of {', '.join(CLIENTS)}")
    stop = Event()
    before = {number: signal.signal(number, lambda *_: stop.set()) for number in (signal.SIGINT, signal.SIGTERM)}
    log = open_log(client, run.per_s, settings)
    shown_at = time.monotonic()

    def show(tally: Tally) -> None:
        nonlocal shown_at
        if time.monotonic() - shown_at < PROGRESS_S or tally.last_event_ms is None:
            return
        shown_at = time.monotonic()
        run.remember(tally)
        moment = datetime.fromtimestamp(tally.last_event_ms / 1000, UTC)
        per_s = tally.transactions / max(tally.seconds, 1e-9)
        typer.echo(f"{tally.transactions:,} sent, {per_s:,.1f}/s, event time {moment:%Y-%m-%d %H:%M} UTC", err=True)

    try:
        return send(run.messages, log, run.pace, stop, limits, show)
    finally:
        log.close()
        for number, handler in before.items():
            signal.signal(number, handler)
