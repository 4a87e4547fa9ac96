"""The log in memory: for unit tests, and for what needs a log that ends with the process."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from fraud_prevention.domain.errors import OffsetLost, Unavailable
from fraud_prevention.domain.topics import MAX_MESSAGE_BYTES
from fraud_prevention.ports import (
    OFFSET_BEGINNING,
    OFFSET_COMMITTED,
    OFFSET_END,
    AckCallback,
    Extent,
    Record,
    TopicPartition,
)

_FNV_START: Final = 0xCBF29CE484222325
_FNV_PRIME: Final = 0x100000001B3
_64_BITS: Final = 0xFFFFFFFFFFFFFFFF


def _partition(key: bytes, count: int) -> int:
    """Same key, same partition, in every process; which one it is differs from Kafka's choice."""
    value = _FNV_START
    for byte in key:
        value = ((value ^ byte) * _FNV_PRIME) & _64_BITS
    return value % count


class MemoryBroker:
    """Topics that several logs and readers share. Thread-safe."""

    def __init__(self, topics: Mapping[str, int], now_ms: Callable[[], int]) -> None:
        """`topics` gives the partitions of each topic; `now_ms` stamps the records."""
        self.changed = threading.Condition()
        self._now_ms = now_ms
        self._records: dict[TopicPartition, list[Record]] = {
            TopicPartition(topic, number): [] for topic, count in topics.items() for number in range(count)
        }
        self.committed: dict[tuple[str, TopicPartition], int] = {}

    def partitions(self, topic: str) -> tuple[TopicPartition, ...]:
        return tuple(place for place in self._records if place.topic == topic)

    def records(self, partition: TopicPartition) -> list[Record]:
        """The partition's records; the list is the broker's own. Raises Unavailable for an unknown one."""
        try:
            return self._records[partition]
        except KeyError:
            raise Unavailable("kafka", f"there is no partition {partition}") from None

    def append(self, topic: str, key: bytes, value: bytes, headers: Sequence[tuple[str, bytes]]) -> None:
        places = self.partitions(topic)
        if not places:
            raise Unavailable("kafka", f"there is no topic {topic}")
        with self.changed:
            place = places[_partition(key, len(places))]
            records = self._records[place]
            records.append(Record(*place, len(records), key, value, self._now_ms(), tuple(headers)))
            self.changed.notify_all()


class MemoryLog:
    """An EventLog on a MemoryBroker: each record is acknowledged before publish() returns."""

    def __init__(self, broker: MemoryBroker) -> None:
        self._broker = broker
        self._failed = 0
        self._closed = False

    def publish(
        self,
        topic: str,
        key: bytes,
        value: bytes,
        headers: Sequence[tuple[str, bytes]] | None = None,
        on_ack: AckCallback | None = None,
    ) -> None:
        """See EventLog.publish."""
        if self._closed:
            raise Unavailable("kafka", "this log is closed")
        if len(value) > MAX_MESSAGE_BYTES:
            raise ValueError(f"a record of {len(value)} bytes is larger than {topic} takes")
        failure: Exception | None = None
        try:
            self._broker.append(topic, key, value, headers or ())
        except Unavailable as error:
            self._failed += 1
            failure = error
        if on_ack is not None:
            on_ack(failure)

    def flush(self, timeout_s: float) -> int:  # noqa: ARG002 — nothing ever waits here
        """See EventLog.flush."""
        failed, self._failed = self._failed, 0
        return failed

    def ping(self, timeout_s: float) -> None:
        """See EventLog.ping."""

    def close(self) -> None:
        """See EventLog.close."""
        self._closed = True


class MemoryReader:
    """An EventReader on a MemoryBroker."""

    def __init__(self, broker: MemoryBroker, group: str | None = None) -> None:
        self._broker = broker
        self._group = group or ""
        self._next: dict[TopicPartition, int] = {}
        self._returned: dict[TopicPartition, int] = {}

    def partitions(self, topic: str) -> tuple[TopicPartition, ...]:
        """See EventReader.partitions."""
        return self._broker.partitions(topic)

    def extents(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, Extent]:
        """See EventReader.extents."""
        return {place: Extent(0, len(self._broker.records(place))) for place in partitions}

    def assign(self, offsets: Mapping[TopicPartition, int]) -> None:
        """See EventReader.assign."""
        self._next, self._returned = {}, {}
        for place, offset in offsets.items():
            self.seek(place, offset)

    def seek(self, partition: TopicPartition, offset: int) -> None:
        """See EventReader.seek."""
        self._returned.pop(partition, None)
        if offset == OFFSET_COMMITTED:
            offset = self._broker.committed.get((self._group, partition), OFFSET_BEGINNING)
        if offset == OFFSET_END:
            offset = len(self._broker.records(partition))
        self._next[partition] = 0 if offset == OFFSET_BEGINNING else offset

    def poll_batch(self, max_records: int, timeout_s: float) -> list[Record]:
        """See EventReader.poll_batch."""
        with self._broker.changed:
            self._broker.changed.wait_for(self._has_news, timeout_s)
            batch: list[Record] = []
            for place, offset in self._next.items():
                records = self._broker.records(place)
                if offset > len(records):
                    raise OffsetLost(*place, f"offset {offset} is out of range, the log ends at {len(records)}")
                taken = records[offset : offset + max_records - len(batch)]
                batch += taken
                if taken:
                    self._next[place] = self._returned[place] = taken[-1].offset + 1
            return batch

    def _has_news(self) -> bool:
        return any(offset != len(self._broker.records(place)) for place, offset in self._next.items())

    def commit(self) -> None:
        """See EventReader.commit."""
        for place, offset in self._returned.items():
            self._broker.committed[self._group, place] = offset

    def close(self) -> None:
        """See EventReader.close."""
