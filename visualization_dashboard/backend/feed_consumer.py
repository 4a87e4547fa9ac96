"""From the log into the feed and the live window, in a thread of its own."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final, Protocol

import structlog

from fraud_prevention.domain import topics
from fraud_prevention.domain.errors import OffsetLost, Unavailable
from fraud_prevention.domain.reasons import analyst_text
from storage_security.sink.shapes import find_errors
from visualization_dashboard.backend.feed import FeedHub
from visualization_dashboard.backend.live_window import LiveWindow
from visualization_dashboard.backend.schemas import FeedAlert, FeedCaseEvent, FeedDecision, Transaction

_log = structlog.get_logger(__name__)
TOPICS: Final = (topics.DECISIONS, topics.ALERTS, topics.CASE_EVENTS)
_BATCH: Final = 5_000
_POLL_S: Final = 0.5
_PAUSE_S: Final = 2.0


class FeedSource(Protocol):
    """Topics and decoded values as they happen, each fact once. Belongs to one thread."""

    def poll(self, max_records: int, timeout_s: float) -> list[tuple[str, dict[str, Any] | None]]:
        """[] when the time is over. Raises Unavailable and OffsetLost."""

    def close(self) -> None: ...


class FeedConsumer:
    """`open_source` connects at the end of the topics: the feed shows what happens, the stores hold what happened."""

    def __init__(self, open_source: Callable[[], FeedSource], hub: FeedHub, window: LiveWindow) -> None:
        self._open_source = open_source
        self._hub = hub
        self._window = window
        self._failure: str | None = "not connected yet"

    def check(self) -> None:
        """Raises Unavailable while the log does not answer."""
        if self._failure is not None:
            raise Unavailable("kafka", self._failure)

    def run(self, stop: threading.Event) -> None:
        """Until `stop` is set; then every client's stream ends, so that the server can stop."""
        try:
            while not stop.is_set():
                try:
                    self._follow(stop)
                except (Unavailable, OffsetLost) as error:
                    self._failure = str(error)
                    _log.warning("feed_waits", reason=str(error))
                    stop.wait(_PAUSE_S)
        finally:
            self._failure = "the feed has ended"
            self._hub.close()

    def _follow(self, stop: threading.Event) -> None:
        source = self._open_source()
        try:
            while not stop.is_set():
                batch = source.poll(_BATCH, _POLL_S)
                self._failure = None
                for topic, payload in batch:
                    if payload is not None:
                        self._show(topic, payload)
        finally:
            source.close()

    def _show(self, topic: str, payload: dict[str, Any]) -> None:
        """Most approvals are only counted, so nothing is checked or made before the hub wants it."""
        is_approval = False
        if topic == topics.DECISIONS:
            self._window.add(_latency_ms(payload))
            is_approval = payload.get("outcome") == "approve"
        self._hub.publish(_KINDS[topic], partial(_event, topic, payload), is_approval)


def _event(topic: str, payload: Mapping[str, Any]) -> dict[str, Any] | None:
    """The feed's event; None for a bad record, which the sink counts and keeps."""
    return None if find_errors(topic, payload) else _EVENTS[topic](payload)


def _latency_ms(payload: Mapping[str, Any]) -> float | None:
    meta = payload.get("meta")
    latency_ms = meta.get("latency_ms") if isinstance(meta, dict) else None
    if isinstance(latency_ms, bool):  # an int to Python
        return None
    return latency_ms if isinstance(latency_ms, int | float) and 0 <= latency_ms < math.inf else None


def _picked(payload: Mapping[str, Any], names: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that the contract of the feed has; absent options as null."""
    return {name: payload.get(name) for name in names}


def _decision(payload: Mapping[str, Any]) -> dict[str, Any]:
    return {**_picked(payload, FeedDecision.model_fields), "latency_ms": payload["meta"].get("latency_ms")}


def _alert(payload: Mapping[str, Any]) -> dict[str, Any]:
    features = payload["features"]
    reasons = [{"code": code, "text": analyst_text(code, features)} for code in payload["reason_codes"]]
    transaction = _picked(payload["transaction"], Transaction.model_fields)
    return {**_picked(payload, FeedAlert.model_fields), "reasons": reasons, "transaction": transaction}


def _case_event(payload: Mapping[str, Any]) -> dict[str, Any]:
    return _picked(payload, FeedCaseEvent.model_fields)


_KINDS: Final = {topics.DECISIONS: "decision", topics.ALERTS: "alert", topics.CASE_EVENTS: "case"}
_EVENTS: Final = {topics.DECISIONS: _decision, topics.ALERTS: _alert, topics.CASE_EVENTS: _case_event}
