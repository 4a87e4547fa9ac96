"""One run of the producer, from the command's options to its tally: chooses source, pace and client."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import Event
from typing import Final

from config import KafkaSettings
from data_pipeline.history.files import HISTORY_FILE
from data_pipeline.produce.bootstrap import open_log
from data_pipeline.produce.live import LivePosition, choose_start, find_world, live_messages
from data_pipeline.produce.message import Message
from data_pipeline.produce.pace import Pace, ReplayPace, SteadyPace, wall_ms
from data_pipeline.produce.replay import FOREVER_MS, Span, first_time_ms, replay_messages
from data_pipeline.produce.run import Limits, Tally, produce

DAY_MS: Final = 86_400_000
PROGRESS_S: Final = 2.0
MOST_PER_S: Final = 1e6  # with no delay, the source is the limit


@dataclass(frozen=True, slots=True)
class Run:
    """A source, the pace it is sent at, and the expected rate (None: as fast as possible)."""

    messages: Iterable[Message]
    pace: Pace
    per_s: float | None
    position: LivePosition | None = None

    def remember(self, tally: Tally) -> None:
        """Note how far a live world was streamed, so that no later run sends the same again."""
        if self.position is not None and tally.source_ms is not None:
            self.position.write(tally.source_ms + 1)


def parse_speed(text: str) -> float | None:
    """A number above 0, or None for `0` and `max`. Raises ValueError."""
    if text in {"0", "max"}:
        return None
    with suppress(ValueError):
        if (speed := float(text)) > 0:
            return speed
    raise ValueError(f"--speed is a number above 0, or max; not {text}")


def replay_run(
    replay: Path, speed: float | None, start: datetime | None, days: float | None, as_now: bool, alone: bool
) -> Run:
    """A replay of a history file or of a folder that holds one. Raises HistoryUnusable."""
    path = replay / HISTORY_FILE if replay.is_dir() else replay
    first = first_time_ms(path) if start is None else int(start.replace(tzinfo=UTC).timestamp() * 1000)
    span = Span(first, FOREVER_MS if days is None else first + int(days * DAY_MS))
    pace = ReplayPace(speed, wall_ms() - first if as_now else 0)
    return Run(replay_messages(path, span, alone), pace, None)


def live_run(
    directory: Path,
    seed: int | None,
    customers: int | None,
    fraud_rate: float | None,
    limits: Limits,
    per_s: float | None,
    say: Callable[[str], None],
) -> Run:
    """A live stream of the folder's world, or of another one where seed or customers ask for it."""
    found = find_world(directory, seed, customers, wall_ms())
    is_known = found.is_of(directory)
    if not is_known:
        say(f"no history of these customers in {directory}: `fraud generate` makes one")
    position = LivePosition(directory) if is_known else None
    transactions = limits.transactions
    if transactions is None and limits.seconds is not None and per_s is not None:
        transactions = max(1, int(limits.seconds * per_s))
    lasts_ms = 0 if transactions is None or per_s is None else int(transactions / per_s * 1000)
    streamed_to = position.read() if position else 0
    live = choose_start(found, streamed_to, fraud_rate, transactions, wall_ms() + lasts_ms)
    return Run(live_messages(live), SteadyPace(per_s or MOST_PER_S), per_s, position)


def send_all(run: Run, settings: KafkaSettings, client: str, limits: Limits, say: Callable[[str], None]) -> Tally:
    """Send until the end, or until Ctrl-C or SIGTERM asks for it; `say` gets a line of progress now and then."""
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
        say(f"{tally.transactions:,} sent, {per_s:,.1f}/s, event time {moment:%Y-%m-%d %H:%M} UTC")

    try:
        tally = produce(run.messages, log, run.pace, stop, limits, show)
    finally:
        log.close()
        for number, handler in before.items():
            signal.signal(number, handler)
    run.remember(tally)
    return tally
