"""The producer's parts without a broker: pace, limits, merging, the start of a live stream, failures."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from threading import Event

import pytest

from data_pipeline.history.files import HISTORY_FILE
from data_pipeline.history.generate import WorldFile, write_history
from data_pipeline.produce import pace
from data_pipeline.produce.live import LivePosition, choose_start, find_world, live_messages
from data_pipeline.produce.message import TIME_FIELD, Message
from data_pipeline.produce.pace import ReplayPace, SteadyPace
from data_pipeline.produce.replay import FOREVER_MS, Span, first_time_ms, replay_messages
from data_pipeline.produce.run import Limits, produce
from data_pipeline.produce.session import parse_speed
from data_pipeline.synthetic.rows import DAY_MS
from data_pipeline.synthetic.world import WorldSpec
from fraud_prevention.domain.errors import HistoryUnusable, Unavailable
from fraud_prevention.domain.topics import AUTHORISATIONS, LABELS, TRANSACTIONS
from fraud_prevention.ports import AckCallback

START = 20_500
END_MS = (START + 20) * DAY_MS
SPEC = WorldSpec(seed=4, customers=300, start_day=START, fraud_rate=0.01)


@dataclass
class Kept:
    """A log that keeps what it is given, and refuses, loses or forgets to acknowledge where a test says so."""

    records: list[tuple[str, bytes, dict[str, object]]] = field(default_factory=list)
    refusals: int = 0
    unacknowledged: int = 0
    lost: int = 0  # of the records handed over first; the next flush reports them, whoever asks for it
    _failed: int = 0

    def publish(
        self,
        topic: str,
        key: bytes,
        value: bytes,
        headers: Sequence[tuple[str, bytes]] | None = None,  # noqa: ARG002 - the port's signature
        on_ack: AckCallback | None = None,
    ) -> None:
        if self.records and self.refusals:
            self.refusals -= 1
            raise Unavailable("kafka", "the queue is full")
        self.records.append((topic, key, json.loads(value)))
        if self.lost:
            self.lost -= 1
            self._failed += 1
            answer: Exception | None = Unavailable("kafka", "it timed out")
        elif self.unacknowledged:
            self.unacknowledged -= 1
            return
        else:
            answer = None
        if on_ack is not None:
            on_ack(answer)

    def flush(self, timeout_s: float) -> int:  # noqa: ARG002 - the port's signature
        failed, self._failed = self._failed, 0
        return failed

    def ping(self, timeout_s: float) -> None: ...

    def close(self) -> None: ...


def _some(n: int, step_ms: int = 1000) -> Iterator[Message]:
    for i in range(n):
        payload = {"transaction_id": f"t{i}", "customer_id": "c1", "event_time": i * step_ms}
        yield Message(i * step_ms, TRANSACTIONS, payload, is_fraud=i % 2 == 0)


def test_it_stops_at_the_number_asked_for_and_counts_fraud() -> None:
    log = Kept()
    tally = produce(_some(100), log, ReplayPace(None), Event(), Limits(transactions=10))
    assert tally.transactions == len(log.records) == 10
    assert tally.frauds == 5
    assert (tally.first_event_ms, tally.last_event_ms) == (0, 9_000)
    assert log.records[0][1] == b"c1"


def test_steady_pace_keeps_its_rate() -> None:
    started = time.monotonic()
    produce(_some(21), Kept(), SteadyPace(200.0), Event())
    assert time.monotonic() - started >= 20 / 200


def test_replay_pace_is_so_many_times_faster_than_the_clock() -> None:
    started = time.monotonic()
    produce(_some(4, step_ms=60_000), Kept(), ReplayPace(1_800.0), Event())
    assert time.monotonic() - started >= 180 / 1_800


def test_a_time_ahead_of_the_clock_is_never_sent() -> None:
    log = Kept()
    produce(_some(5, step_ms=60_000), log, SteadyPace(1e6, clock_ms=lambda: 90_000), Event())
    assert [record["event_time"] for _, _, record in log.records] == [0, 60_000, 90_000, 90_000, 90_000]


def test_a_shifted_replay_moves_every_time_alike() -> None:
    log = Kept()
    produce(_some(3), log, ReplayPace(None, shift_ms=500), Event())
    assert [record["event_time"] for _, _, record in log.records] == [500, 1_500, 2_500]


def test_a_stop_ends_a_long_wait_at_once() -> None:
    stop = Event()
    stop.set()
    tally = produce(_some(3, step_ms=10**9), Kept(), ReplayPace(1.0), stop)
    assert tally.is_interrupted
    assert tally.transactions == 0


def test_a_full_queue_is_waited_for() -> None:
    tally = produce(_some(5), Kept(refusals=3), ReplayPace(None), Event())
    assert tally.transactions == 5
    assert tally.undelivered == 0


def test_what_nobody_has_acknowledged_is_reported() -> None:
    tally = produce(_some(5), Kept(unacknowledged=2), ReplayPace(None), Event())
    assert tally.summary()["undelivered"] == 2


def test_what_failed_while_a_full_queue_was_waited_for_is_reported() -> None:
    tally = produce(_some(5), Kept(lost=1, refusals=1), ReplayPace(None), Event())
    assert tally.transactions == 5
    assert tally.undelivered == 1
    assert tally.failure == "kafka is unavailable: it timed out"


def test_a_label_names_the_time_that_its_transaction_carried() -> None:
    now_ms = 90_000

    def source() -> Iterator[Message]:
        nonlocal now_ms
        yield from _some(5, step_ms=60_000)
        now_ms = 1_000_000
        for i in range(5):
            at_ms = 600_000 + i
            label = {"customer_id": "c1", "event_time": i * 60_000, "observed_at": at_ms}
            yield Message(at_ms, LABELS, label)

    log = Kept()
    produce(source(), log, SteadyPace(1e6, clock_ms=lambda: now_ms), Event())
    times = [record["event_time"] for _, _, record in log.records]
    assert times[5:] == times[:5] == [0, 60_000, 90_000, 90_000, 90_000]


def test_only_so_many_moments_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "REMEMBERED", 4)
    now_ms = 0
    steady = SteadyPace(1.0, clock_ms=lambda: now_ms)
    for at_ms in range(1, 6):
        assert steady.stamp(at_ms) == 0
    now_ms = 100
    assert [steady.stamp(at_ms) for at_ms in range(1, 6)] == [1, 2, 0, 0, 0]


def test_speeds() -> None:
    assert parse_speed("60") == 60.0
    assert parse_speed("max") is None
    assert parse_speed("0") is None
    with pytest.raises(ValueError, match="above 0, or max"):
        parse_speed("-1")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("world")
    write_history(SPEC, 20, path)
    return path


def test_a_replay_merges_what_became_known_when_it_was_known(folder: Path) -> None:
    messages = list(replay_messages(folder / HISTORY_FILE, Span(0, FOREVER_MS)))
    assert [m.at_ms for m in messages] == sorted(m.at_ms for m in messages)
    topics = [m.topic for m in messages]
    assert topics.count(TRANSACTIONS) == topics.count(AUTHORISATIONS) > 0
    assert topics.count(LABELS) > 0
    assert all(m.payload[TIME_FIELD[m.topic]] == m.at_ms for m in messages)
    alone = list(replay_messages(folder / HISTORY_FILE, Span(0, FOREVER_MS), is_alone=True))
    assert {m.topic for m in alone} == {TRANSACTIONS}


def test_a_replay_of_a_span_has_its_rows_only(folder: Path) -> None:
    first = first_time_ms(folder / HISTORY_FILE)
    span = Span(first + 3 * DAY_MS, first + 4 * DAY_MS)
    messages = list(replay_messages(folder / HISTORY_FILE, span))
    assert messages
    assert all(span.start_ms <= m.at_ms < span.end_ms for m in messages)


def test_a_replay_of_something_else_is_refused_with_the_cure(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(HistoryUnusable, match=r"lacks the columns event_time.*fraud import"):
        next(replay_messages(folder / "truth.parquet", Span(0, FOREVER_MS)))
    (tmp_path / "a.csv").write_text("a,b\n")
    with pytest.raises(HistoryUnusable, match="no Parquet file; bring it in with `fraud import`"):
        next(replay_messages(tmp_path / "a.csv", Span(0, FOREVER_MS)))
    with pytest.raises(HistoryUnusable, match="no such file"):
        first_time_ms(tmp_path / "none")


def _first(folder: Path, n: int, rate: float | None, now_ms: int, streamed_to: int = 0) -> list[Message]:
    live = choose_start(WorldFile.read(folder), streamed_to, rate, n, now_ms)
    return list(islice((m for m in live_messages(live) if m.topic == TRANSACTIONS), n))


@pytest.mark.parametrize("rate", [0.01, 0.05])
def test_a_short_live_run_has_the_share_of_fraud_asked_for(folder: Path, rate: float) -> None:
    rows = _first(folder, 1_000, rate, END_MS + 10 * DAY_MS)
    assert sum(m.is_fraud for m in rows) == pytest.approx(rate * 1_000, rel=0.05, abs=1)


def test_a_live_run_ends_now_and_begins_after_the_history(folder: Path) -> None:
    now = END_MS + 10 * DAY_MS
    rows = _first(folder, 500, 0.0, now)
    assert rows[0].at_ms >= END_MS
    assert now - DAY_MS / 4 < rows[-1].at_ms < now + DAY_MS / 4
    early = _first(folder, 500, 0.0, END_MS + 1000)
    assert early[0].at_ms >= END_MS


def test_a_second_run_repeats_nothing(folder: Path, tmp_path: Path) -> None:
    now = END_MS + 5 * DAY_MS
    first = _first(folder, 300, 0.05, now)
    position = LivePosition(tmp_path)
    assert position.read() == 0
    position.write(first[-1].at_ms + 1)
    second = _first(folder, 300, 0.05, now, position.read())
    ids = [m.payload["transaction_id"] for m in (*first, *second)]
    assert len(set(ids)) == len(ids)


def test_live_rows_belong_to_the_customers_of_the_history(folder: Path) -> None:
    live = {m.payload["customer_id"] for m in _first(folder, 500, None, END_MS + DAY_MS)}
    past = {
        m.payload["customer_id"] for m in replay_messages(folder / HISTORY_FILE, Span(0, FOREVER_MS), is_alone=True)
    }
    assert len(live - past) < 0.05 * len(live)


def test_labels_about_the_past_come_due_in_the_live_stream(folder: Path) -> None:
    live = choose_start(WorldFile.read(folder), 0, None, None, END_MS + DAY_MS)
    labels = [m for m in islice(live_messages(live), 6_000) if m.topic == LABELS]
    assert any(m.payload["event_time"] < END_MS for m in labels)


def test_a_folder_without_a_world_gets_one_for_the_day(tmp_path: Path, folder: Path) -> None:
    made = find_world(tmp_path, 3, 10, END_MS)
    assert made.spec.seed == 3
    assert made.spec.customers == 10
    assert not made.is_of(tmp_path)
    assert find_world(tmp_path, 0, 10, END_MS).spec.seed == 0
    assert find_world(folder, 0, None, END_MS).spec.seed == 0
    assert find_world(folder, None, None, END_MS).is_of(folder)
    assert not find_world(folder, 99, None, END_MS).is_of(folder)
