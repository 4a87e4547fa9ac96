"""From records to the feed: the contract's own examples, and records that break it."""

from __future__ import annotations

import json
import math
import threading
from pathlib import Path
from typing import Any

import orjson
import pytest
from pydantic import BaseModel

from fraud_prevention.domain import topics
from fraud_prevention.domain.errors import Unavailable
from visualization_dashboard.backend.feed import FeedHub
from visualization_dashboard.backend.feed_consumer import TOPICS, FeedConsumer
from visualization_dashboard.backend.live_window import LiveWindow
from visualization_dashboard.backend.schemas import FeedAlert, FeedCaseEvent, FeedDecision

_EXAMPLES = Path(__file__).resolve().parents[3] / "data-pipeline" / "contracts" / "examples"
_MODELS: dict[str, type[BaseModel]] = {
    topics.DECISIONS: FeedDecision,
    topics.ALERTS: FeedAlert,
    topics.CASE_EVENTS: FeedCaseEvent,
}


class OneBatch:
    """A source that gives one batch and then asks to stop."""

    def __init__(self, batch: list[tuple[str, dict[str, Any] | None]], stop: threading.Event) -> None:
        self._batch, self._stop = batch, stop

    def poll(self, max_records: int, timeout_s: float) -> list[tuple[str, dict[str, Any] | None]]:
        del max_records, timeout_s
        self._stop.set()
        return self._batch

    def close(self) -> None:
        pass


def shown(batch: list[tuple[str, dict[str, Any] | None]]) -> tuple[list[Any], LiveWindow]:
    """What a page that was open would have got, and the window."""
    hub = FeedHub(ring_size=100, max_clients=1, clock_s=lambda: 1_000.0)
    window, stop = LiveWindow(lambda: 1_000.0), threading.Event()
    consumer = FeedConsumer(lambda: OneBatch(batch, stop), hub, window)
    with pytest.raises(Unavailable):
        consumer.check()
    consumer.run(stop)
    stream = hub.stream()
    next(stream)
    kept = len(hub._stopped) + len(hub._approved)
    return [orjson.loads(next(stream).split(b"data: ")[1]) for _ in range(kept)], window


def examples(topic: str, verdict: str) -> list[Any]:
    return [e["payload"] for e in json.loads((_EXAMPLES / f"{topic}.json").read_text())[verdict]]


@pytest.mark.parametrize("topic", TOPICS)
def test_every_valid_example_is_shown_as_the_contract_of_the_feed_says(topic: str) -> None:
    events, _ = shown([(topic, payload) for payload in examples(topic, "valid")])
    assert len(events) == len(examples(topic, "valid"))
    for event in events:
        _MODELS[topic].model_validate(event)


@pytest.mark.parametrize("topic", TOPICS)
def test_no_bad_record_reaches_a_page_or_ends_the_feed(topic: str) -> None:
    hostile: list[dict[str, Any] | None] = [None, {}, {"meta": 7, "outcome": "approve"}, {"meta": {"latency_ms": -1}}]
    events, _ = shown([(topic, payload) for payload in [*hostile, *examples(topic, "invalid")]])
    assert events == []


def test_decision_without_a_sound_latency_counts_and_moves_no_percentile() -> None:
    hostile: list[Any] = [
        None,
        7,
        {},
        *({"latency_ms": bad} for bad in (None, "12", -1, True, math.nan, math.inf, [3])),
    ]
    _, window = shown([(topics.DECISIONS, {"outcome": "approve", "meta": meta}) for meta in hostile])
    figures = window.read()
    assert figures.decisions == len(hostile)
    assert figures.p50_latency_ms is None
