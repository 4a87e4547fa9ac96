"""A live stream of a world: its rows, answers, events and labels in one order of time."""

from __future__ import annotations

import heapq
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow.compute as pc

from data_pipeline.history.files import LIVE_FILE, WORLD_FILE
from data_pipeline.history.generate import WorldFile
from data_pipeline.produce.message import Message, messages_of, wire_rows
from data_pipeline.synthetic.customer_life import customer_events
from data_pipeline.synthetic.outcomes import LONGEST_DELAY_DAYS, SLOWEST_ANSWER_MS, labels_of
from data_pipeline.synthetic.rows import DAY_MS, FIRST_FRAUD, HOUR_MS, Rows
from data_pipeline.synthetic.side_columns import authorisation_columns, customer_event_columns, label_columns
from data_pipeline.synthetic.text import to_columns
from data_pipeline.synthetic.world import World, WorldSpec
from fraud_prevention.domain.topics import AUTHORISATIONS, CUSTOMER_EVENTS, LABELS, TRANSACTIONS

WINDOW_MS: Final = 6 * HOUR_MS
MAX_AGE_MS: Final = 29 * DAY_MS  # inside the bounds that ingest believes
# Of a world that nobody has generated.
HISTORY_DAYS: Final = 60
DEFAULT_SEED: Final = 7
DEFAULT_CUSTOMERS: Final = 5_000
MAX_TUNED: Final = 200_000  # longer runs meet their share of fraud by themselves
PLANS_TRIED: Final = 5
MOST_FRAUD: Final = 0.45


@dataclass(frozen=True, slots=True)
class LiveStart:
    """A world and the moment of its own time at which its stream begins."""

    world: World
    start_ms: int


class LivePosition:
    """Remembers, beside the history, how far the world's time has been streamed: no id is ever sent twice."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / LIVE_FILE

    def read(self) -> int:
        """Moment (ms) up to which rows were sent, 0 where none were."""
        return int(json.loads(self._path.read_text("utf-8"))["streamed_to_ms"]) if self._path.exists() else 0

    def write(self, streamed_to_ms: int) -> None:
        """Replace the position, whole or not at all."""
        part = self._path.with_name(self._path.name + ".part")
        part.write_text(json.dumps({"streamed_to_ms": streamed_to_ms}) + "\n", "utf-8")
        part.replace(self._path)


def find_world(directory: Path, seed: int | None, customers: int | None, now_ms: int) -> WorldFile:
    """The world of the folder, or one without history files where it has none or other values are asked for."""
    if (directory / WORLD_FILE).exists():
        known = WorldFile.read(directory)
        return WorldFile(_changed(known.spec, seed, customers), known.end_ms)
    today = now_ms // DAY_MS
    spec = WorldSpec(DEFAULT_SEED, DEFAULT_CUSTOMERS, today - HISTORY_DAYS)
    return WorldFile(_changed(spec, seed, customers), (today - 1) * DAY_MS)


def _changed(spec: WorldSpec, seed: int | None, customers: int | None) -> WorldSpec:
    """None keeps the spec's own value; 0 is a seed like any other."""
    return replace(
        spec,
        seed=spec.seed if seed is None else seed,
        customers=spec.customers if customers is None else customers,
    )


def choose_start(
    found: WorldFile, streamed_to_ms: int, fraud_rate: float | None, transactions: int | None, now_ms: int
) -> LiveStart:
    """Where a stream of `transactions` (None: no end) begins, so that it ends about now and repeats nothing.

    A run of known length starts so far back that its last row is the latest one before `now_ms`; one without an
    end goes on where the history or the last stream ended, but never further back than is accepted. For a run of known length
    the plan of fraud is adjusted until the run itself has the share that was asked for.
    """
    earliest = max(found.end_ms, streamed_to_ms, now_ms - MAX_AGE_MS)
    world = World(found.spec)
    if transactions is None:
        return _with_rate(world, earliest, fraud_rate)
    start = _start_of_last(world, transactions, earliest, now_ms)
    rate = found.spec.fraud_rate if fraud_rate is None else fraud_rate
    if rate * transactions < 1 or transactions > MAX_TUNED:
        return _with_rate(world, start, rate)
    return _tuned(world, start, rate, transactions)


def _with_rate(world: World, start_ms: int, rate: float | None) -> LiveStart:
    return LiveStart(world.with_live(start_ms, rate), start_ms)


def _start_of_last(world: World, n: int, earliest_ms: int, now_ms: int) -> int:
    """The time of the n-th last row before now, or `earliest_ms` where there are fewer."""
    span = HOUR_MS
    while now_ms - span > earliest_ms:
        times = world.window(now_ms - span, now_ms)["time"]
        if len(times) >= n:
            return int(times[-n])
        span *= 2
    times = world.window(earliest_ms, now_ms)["time"] if now_ms > earliest_ms else np.array([])
    return int(times[-n]) if len(times) >= n else earliest_ms


def _tuned(world: World, start_ms: int, rate: float, n: int) -> LiveStart:
    """Fraud for the first `n` rows: a week's plan meets its rate over the week, a short run need not.

    Plan more until there is enough, then leave out rows until there is not too much.
    """
    planned = rate
    for _ in range(PLANS_TRIED):
        live = _with_rate(world, start_ms, planned)
        rows = _first_rows(live, n)
        found = int((rows["scenario"] >= FIRST_FRAUD).sum())
        if found >= rate * n:
            break
        planned = min(MOST_FRAUD, planned * float(np.clip(1.2 * rate * n / max(found, 1), 1.3, 4.0)))
    untold: tuple[int, ...] = ()
    for _ in range(PLANS_TRIED):  # what is left out makes room for later rows, fraud among them
        surplus = _surplus(rows, round(rate * n))
        if not surplus:
            break
        untold += surplus
        live = LiveStart(world.with_live(start_ms, planned, untold), start_ms)
        rows = _first_rows(live, n)
    return live


def _surplus(rows: Rows, wanted: int) -> tuple[int, ...]:
    """Ids of fraud rows beyond `wanted`: whole stories, those that begin last first, then the end of one more."""
    fraud = rows[rows["scenario"] >= FIRST_FRAUD]
    by_story = fraud[np.lexsort((fraud["time"], fraud["story"]))]
    return tuple(int(name) for name in by_story["id"][wanted:])


def _first_rows(live: LiveStart, n: int) -> Rows:
    span = HOUR_MS
    while True:
        rows = live.world.window(live.start_ms, live.start_ms + span)
        if len(rows) >= n or span > 400 * DAY_MS:
            return rows[:n]
        span *= 2


def live_messages(live: LiveStart) -> Iterator[Message]:
    """Everything that happens in the world from the start on, without end, in the order of time."""
    tie = count()  # equal moments keep the order in which they were found
    due = [(m.at_ms, next(tie), m) for m in _still_to_come(live)]
    heapq.heapify(due)
    start = live.start_ms
    while True:
        until = start + WINDOW_MS
        for message in _messages_between(live.world, start, until):
            heapq.heappush(due, (message.at_ms, next(tie), message))
        while due and due[0][0] < until:
            yield heapq.heappop(due)[2]
        start = until


def _messages_between(world: World, start_ms: int, end_ms: int) -> Iterator[Message]:
    rows = world.window(start_ms, end_ms)
    if len(rows):
        is_fraud = (rows["scenario"] >= FIRST_FRAUD).tolist()
        payloads = wire_rows(to_columns(world, rows, world.card_blocks(end_ms)))
        for payload, fraud in zip(payloads, is_fraud, strict=True):
            yield Message(payload["event_time"], TRANSACTIONS, payload, fraud)
        yield from messages_of(AUTHORISATIONS, authorisation_columns(world, rows))
        yield from messages_of(LABELS, label_columns(rows, labels_of(world.draws, rows)))
    for message in messages_of(CUSTOMER_EVENTS, customer_event_columns(customer_events(world, start_ms, end_ms))):
        message.payload["detail"] = json.loads(message.payload["detail"])
        yield message


def _still_to_come(live: LiveStart) -> Iterator[Message]:
    """Answers and labels about rows before the start that had not been observed by then."""
    world, start = live.world, live.start_ms
    latest = world.window(start - SLOWEST_ANSWER_MS, start)
    answers = authorisation_columns(world, latest)
    yield from messages_of(AUTHORISATIONS, answers.filter(pc.greater_equal(answers["observed_at"], start)))
    first_day = max(world.spec.start_day, start // DAY_MS - LONGEST_DELAY_DAYS)
    for day in range(first_day, start // DAY_MS + 1):
        rows = world.window(day * DAY_MS, min((day + 1) * DAY_MS, start))
        labels = labels_of(world.draws, rows)
        yield from messages_of(LABELS, label_columns(rows, labels[labels["observed"] >= start]))
