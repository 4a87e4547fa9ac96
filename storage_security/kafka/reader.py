"""Reads topics as a consumer wants them: parsed, and each fact once.

Writers are at-least-once, so a record may stand in the log twice with equal content. This module drops the repeats,
as far as a bounded memory reaches; stores upsert by the same keys, which takes care of the rest.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import orjson

from fraud_prevention.domain import topics
from fraud_prevention.ports import EventReader, Record, TopicPartition

# What makes two records of a topic the same fact. A topic that is not here (the dead letters) has no repeats to drop:
# the same bad record may rightly be reported by two readers.
IDENTITIES: Final[Mapping[str, tuple[str, ...]]] = {
    topics.TRANSACTIONS: ("transaction_id",),
    topics.AUTHORISATIONS: ("transaction_id", "observed_at"),
    topics.CUSTOMER_EVENTS: ("event_id",),
    topics.LABELS: ("label_id",),
    topics.DECISIONS: ("transaction_id", "decision_version"),
    topics.FEATURES: ("transaction_id", "decision_version"),
    topics.ALERTS: ("transaction_id", "decision_version"),
    topics.CASE_EVENTS: ("event_id",),
}


class Event(NamedTuple):
    """A record and what it says; `payload` is None where the value is no JSON object."""

    record: Record
    payload: dict[str, Any] | None


class RepeatFilter:
    """Remembers where each of the last `capacity` facts stood first."""

    def __init__(self, capacity: int = 200_000) -> None:
        if capacity < 1:
            raise ValueError("a filter without memory filters nothing")
        self._capacity = capacity
        self._first: OrderedDict[tuple[Any, ...], tuple[int, int]] = OrderedDict()

    def is_repeat(self, identity: tuple[Any, ...], partition: int, offset: int) -> bool:
        """Whether the fact stood at another place of the log before.

        The same place again is no repeat: a reader that seeks back after a failed write must see its records again.
        """
        first = self._first.get(identity)
        if first is None:
            self._first[identity] = (partition, offset)
            if len(self._first) > self._capacity:
                self._first.popitem(last=False)
            return False
        self._first.move_to_end(identity)
        return first != (partition, offset)


class UniqueReader:
    """Reads through an EventReader and drops the repeats. Belongs to one thread."""

    def __init__(
        self,
        reader: EventReader,
        capacity: int = 200_000,
        identities: Mapping[str, tuple[str, ...]] = IDENTITIES,
    ) -> None:
        self._reader = reader
        self._identities = identities
        self._filter = RepeatFilter(capacity)
        self.repeats = 0

    def poll(self, max_records: int, timeout_s: float) -> list[Event]:
        """At most `max_records` records without repeats, in the order of the log; [] when the time is over.

        Also [] when every record that came was a repeat. Raises as EventReader.poll_batch does.
        """
        events = []
        for record in self._reader.poll_batch(max_records, timeout_s):
            payload = parse(record.value)
            identity = identity_of(record.topic, payload, self._identities)
            if identity is not None and self._filter.is_repeat(identity, record.partition, record.offset):
                self.repeats += 1
            else:
                events.append(Event(record, payload))
        return events

    def seek(self, partition: TopicPartition, offset: int) -> None:
        """Go on reading from `offset`, for instance after a write that failed."""
        self._reader.seek(partition, offset)


def parse(value: bytes | None) -> dict[str, Any] | None:
    """The JSON object in `value`, None where there is none."""
    if value is None:
        return None
    try:
        payload = orjson.loads(value)
    except orjson.JSONDecodeError:
        return None
    return payload if isinstance(payload, dict) else None


def identity_of(
    topic: str, payload: Mapping[str, Any] | None, identities: Mapping[str, tuple[str, ...]] = IDENTITIES
) -> tuple[Any, ...] | None:
    """What the record is about, topic included; None where that cannot be told."""
    fields = identities.get(topic)
    if fields is None or payload is None:
        return None
    values = [payload.get(field) for field in fields]
    if not all(isinstance(value, str | int) for value in values):
        return None
    return (topic, *values)
