"""Sends a source's messages through an EventLog at a pace, and counts what became of them."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from threading import Event
from typing import Any, Final

import orjson

from data_pipeline.produce.delivery import Delivery
from data_pipeline.produce.message import TIME_FIELD, Message
from data_pipeline.produce.pace import Pace
from fraud_prevention.domain.errors import Unavailable
from fraud_prevention.domain.topics import LABELS, TRANSACTIONS
from fraud_prevention.ports import EventLog

FLUSH_S: Final = 30.0


@dataclass
class Tally:
    """What was handed over, and what of it (or of what was refused) no broker has acknowledged."""

    sent: Counter[str] = field(default_factory=Counter)  # by topic
    frauds: int = 0
    undelivered: int = 0
    first_event_ms: int | None = None
    last_event_ms: int | None = None
    source_ms: int | None = None  # the source's time of the last transaction
    seconds: float = 0.0
    is_interrupted: bool = False
    failure: str | None = None

    @property
    def transactions(self) -> int:
        """Transactions handed over."""
        return self.sent[TRANSACTIONS]

    def summary(self) -> dict[str, Any]:
        """The line that the command prints last."""
        return {
            "transactions": self.transactions,
            "frauds": self.frauds,
            "authorisations": self.sent["authorisations.v1"],
            "customer_events": self.sent["customer-events.v1"],
            "labels": self.sent[LABELS],
            "undelivered": self.undelivered,
            "seconds": round(self.seconds, 1),
            "per_s": round(self.transactions / self.seconds, 1) if self.seconds > 0 else None,
            "first_event_time": self.first_event_ms,
            "last_event_time": self.last_event_ms,
            "interrupted": self.is_interrupted,
            "failure": self.failure,
        }


@dataclass(frozen=True, slots=True)
class Limits:
    """Where a run ends by itself; None is never."""

    transactions: int | None = None
    seconds: float | None = None


def produce(
    messages: Iterable[Message],
    log: EventLog,
    pace: Pace,
    stop: Event,
    limits: Limits = Limits(),
    on_progress: Callable[[Tally], None] = lambda _tally: None,
) -> Tally:
    """Send until the source ends, a limit is reached or `stop` is set; then flush within a bounded time.

    Never raises for a log that is away: the tally then says how many records are not acknowledged, and why.
    """
    tally = Tally()
    delivery = Delivery(log)
    started = time.monotonic()
    try:
        for message in messages:
            is_transaction = message.topic == TRANSACTIONS
            tally.seconds = time.monotonic() - started
            if _is_over(tally, limits, is_transaction):
                break
            pace.wait(message, stop)
            if stop.is_set():
                tally.is_interrupted = True
                break
            _send(message, delivery, pace)
            tally.sent[message.topic] += 1
            if is_transaction:
                _note(tally, message, pace)
                on_progress(tally)
    except Unavailable as error:
        tally.failure = str(error)
    tally.undelivered = delivery.finish(FLUSH_S)
    tally.failure = tally.failure or delivery.failure
    tally.seconds = time.monotonic() - started
    return tally


def _is_over(tally: Tally, limits: Limits, is_transaction: bool) -> bool:
    if limits.seconds is not None and tally.seconds >= limits.seconds:
        return True
    return is_transaction and limits.transactions is not None and tally.transactions >= limits.transactions


def _note(tally: Tally, message: Message, pace: Pace) -> None:
    tally.frauds += message.is_fraud
    tally.source_ms = message.at_ms
    tally.last_event_ms = pace.stamp(message.at_ms)
    if tally.first_event_ms is None:
        tally.first_event_ms = tally.last_event_ms


def _send(message: Message, delivery: Delivery, pace: Pace) -> None:
    payload = message.payload
    field_name = TIME_FIELD[message.topic]
    payload[field_name] = pace.stamp(payload[field_name])
    if message.topic == LABELS:
        payload["event_time"] = pace.stamp(payload["event_time"])
    key = payload["customer_id"].encode()
    headers = [("transaction_id", payload["transaction_id"].encode())] if message.topic == TRANSACTIONS else None
    delivery.send(message.topic, key, orjson.dumps(payload), headers)
