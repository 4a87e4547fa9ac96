"""From the log into the feed and the live window, in a thread of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
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
                    # The sink counts and keeps bad records; here they are only left out.
                    if payload is not None and not find_errors(topic, payload):
                        self._show(topic, payload)
        finally:
            source.close()

    def _show(self, topic: str, payload: dict[str, Any]) -> None:
        if topic == topics.DECISIONS:
            self._window.add(payload["meta"].get("latency_ms"))
            self._hub.publish("decision", lambda: _decision(payload), payload["outcome"] == "approve")
        elif topic == topics.ALERTS:
            self._hub.publish("alert", lambda: _alert(payload))
        else:
            self._hub.publish("case", lambda: _picked(payload, FeedCaseEvent.model_fields))


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
