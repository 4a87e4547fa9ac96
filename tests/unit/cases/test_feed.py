"""The feed: newest first for who comes, nothing blocks, approvals are lost first."""

from __future__ import annotations

import threading
from functools import partial
from typing import Any

import orjson
import pytest

from fraud_prevention.domain.errors import Unavailable
from visualization_dashboard.backend.feed import (
    MAX_APPROVALS_PER_S,
    PING_S,
    ClientQueue,
    FeedEvent,
    FeedHub,
    FeedStream,
)
from visualization_dashboard.backend.live_window import WINDOW_S, LiveWindow


class HandClock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now_s = 1_000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def hub(clock: HandClock) -> FeedHub:
    return FeedHub(ring_size=5, max_clients=2, clock_s=clock)


def publish(hub: FeedHub, number: int, is_approval: bool = False) -> None:
    hub.publish("decision" if is_approval else "alert", lambda: {"n": number}, is_approval)


def read(stream: FeedStream, count: int) -> list[Any]:
    """The data of the next `count` events, the opening line left out."""
    blocks = [next(stream) for _ in range(count)]
    return [
        orjson.loads(line[6:])["n"] for block in blocks for line in block.splitlines() if line.startswith(b"data: ")
    ]


def test_new_client_gets_the_newest_events_first_and_then_what_happens(hub: FeedHub) -> None:
    for number in range(8):
        publish(hub, number)
    stream = hub.stream()
    assert next(stream).startswith(b"retry: ")
    publish(hub, 8)
    assert read(stream, 6) == [3, 4, 5, 6, 7, 8]


def last_id(hub: FeedHub) -> int:
    """What the browser sends when it comes back: the id of the newest event."""
    stream = hub.stream()
    blocks = [next(stream) for _ in range(1 + len(hub._stopped) + len(hub._approved))]
    stream.close()
    return int(blocks[-1].splitlines()[0].removeprefix(b"id: "))


def test_client_that_comes_back_gets_only_what_it_missed(hub: FeedHub) -> None:
    for number in range(3):
        publish(hub, number)
    seen = last_id(hub)
    publish(hub, 3)
    stream = hub.stream(after=seen)
    next(stream)
    assert read(stream, 1) == [3]


def test_client_from_before_a_restart_gets_all_that_is_kept(hub: FeedHub, clock: HandClock) -> None:
    for number in range(4):
        publish(hub, number)
    seen = last_id(hub)
    clock.now_s += 1
    restarted = FeedHub(ring_size=5, max_clients=1, clock_s=clock)
    publish(restarted, 7)
    publish(restarted, 8)
    assert last_id(restarted) > seen
    stream = restarted.stream(after=seen)
    next(stream)
    assert read(stream, 2) == [7, 8]


def test_client_whose_id_is_too_old_or_newer_than_ours_gets_all_that_is_kept(hub: FeedHub) -> None:
    for number in range(8):
        publish(hub, number)
    for strange in (0, last_id(hub) - 7, last_id(hub) + 1):
        stream = hub.stream(after=strange)
        next(stream)
        assert read(stream, 5) == [3, 4, 5, 6, 7]
        stream.close()


def test_client_that_is_always_behind_is_told_what_it_lost(hub: FeedHub, clock: HandClock) -> None:
    stream = hub.stream()
    next(stream)
    for number in range(13):  # twice the ring is queued for a client
        publish(hub, number)
    clock.now_s += PING_S
    assert next(stream) == b'event: ping\ndata: {"at":1010000,"dropped":3}\n\n'
    assert read(stream, 2) == [3, 4]
    clock.now_s += PING_S - 1
    assert read(stream, 1) == [5]
    clock.now_s += 1
    assert next(stream).startswith(b"event: ping")
    assert read(stream, 1) == [6]


def test_slow_client_loses_approvals_first_and_the_writer_never_waits() -> None:
    queue = ClientQueue(3, ())
    for number, is_approval in enumerate([True, False, True, False, False]):
        queue.put(FeedEvent(number, "decision", b"{}", is_approval))
    kept = [event.sequence for event in iter(lambda: queue.get(0.0), None)]
    assert kept == [1, 3, 4]
    assert queue.dropped == 2


def test_full_queue_without_approvals_loses_the_oldest() -> None:
    queue = ClientQueue(2, ())
    for number in range(3):
        queue.put(FeedEvent(number, "alert", b"{}", is_approval=False))
    queue.put(FeedEvent(3, "decision", b"{}", is_approval=True))
    first = queue.get(0.0)
    assert first is not None
    assert (first.sequence, queue.dropped) == (1, 2)


def test_approvals_are_sampled_and_everything_else_is_sent(hub: FeedHub, clock: HandClock) -> None:
    sent: list[int] = []  # what is appended to it is None on the wire, so nothing is kept
    for number in range(50):
        hub.publish("decision", partial(sent.append, number), is_approval=True)
        hub.publish("alert", partial(sent.append, -number))
    assert sum(n >= 0 for n in sent) == MAX_APPROVALS_PER_S + 1  # -0 is not negative
    assert len(sent) == MAX_APPROVALS_PER_S + 50
    clock.now_s += 1
    hub.publish("decision", lambda: sent.append(99), is_approval=True)
    assert sent[-1] == 99


def test_places_are_bounded_and_given_back(hub: FeedHub) -> None:
    first, _ = hub.stream(), hub.stream()
    with pytest.raises(Unavailable):
        hub.stream()
    first.close()
    first.close()
    hub.stream()
    assert hub.client_count == 2


def test_closing_the_hub_ends_a_stream_that_waits(hub: FeedHub) -> None:
    stream = hub.stream()
    next(stream)
    ended = threading.Event()

    def follow() -> None:
        assert list(stream) == []
        ended.set()

    threading.Thread(target=follow, daemon=True).start()
    hub.close()
    assert ended.wait(5)


def test_stream_ends_after_its_time_so_that_a_lost_client_gives_its_thread_back(hub: FeedHub, clock: HandClock) -> None:
    stream = hub.stream()
    next(stream)
    publish(hub, 1)
    clock.now_s += 601
    assert list(stream) == []


def test_window_forgets_and_its_percentiles_are_five_percent_right(clock: HandClock) -> None:
    window = LiveWindow(clock)
    assert window.read().p99_latency_ms is None
    for latency_ms in range(1, 1_001):
        window.add(float(latency_ms))
    clock.now_s += 10
    figures = window.read()
    assert (figures.decisions, figures.decisions_per_s) == (1_000, 100.0)
    assert figures.p50_latency_ms == pytest.approx(500, rel=0.06)
    assert figures.p99_latency_ms == pytest.approx(990, rel=0.06)
    clock.now_s += WINDOW_S + 1
    assert window.read().decisions == 0
