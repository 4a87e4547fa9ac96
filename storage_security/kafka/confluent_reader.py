"""Reads Kafka through librdkafka: the adapter of the hot paths (1.4 µs of CPU a record)."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import confluent_kafka
from confluent_kafka import Consumer, KafkaError, KafkaException, Message

from config import KafkaSettings
from fraud_prevention.domain.errors import OffsetLost, Unavailable
from fraud_prevention.domain.topics import MAX_MESSAGE_BYTES
from fraud_prevention.ports import OFFSET_BEGINNING, OFFSET_COMMITTED, Extent, Record, TopicPartition
from storage_security.kafka.connection import librdkafka

# librdkafka wants a group even where nothing is ever committed.
_NO_GROUP: Final = "without-group"
_ELECTING: Final = (KafkaError.NOT_LEADER_FOR_PARTITION, KafkaError.LEADER_NOT_AVAILABLE)
_ELECTION_POLL_S: Final = 0.05
# How long the partitions of a member that died stay with it: the least that brokers allow by default is 6 s.
_SESSION_MS: Final = 10_000

StartOffsets = Callable[[Sequence[TopicPartition]], Mapping[TopicPartition, int]]


class ConfluentReader:
    """An EventReader. Partitions are assigned by the caller, or by the group that it joins; nothing is committed unless
    commit() or tell() is called.
    """

    def __init__(self, settings: KafkaSettings, group: str | None = None) -> None:
        self._timeout_s = settings.request_timeout_ms / 1000
        self._positions: dict[TopicPartition, int] = {}
        self._last_answer_s = time.monotonic()
        self._errors: list[Message] = []
        self._closed = False
        self._consumer = Consumer(
            {
                **librdkafka(settings),
                "group.id": group or _NO_GROUP,
                "session.timeout.ms": _SESSION_MS,
                "enable.auto.commit": False,
                "enable.auto.offset.store": False,
                # A gap must be seen, not skipped.
                "auto.offset.reset": "error",
                "fetch.message.max.bytes": MAX_MESSAGE_BYTES,
                "fetch.wait.max.ms": 100,
                "allow.auto.create.topics": False,
            }
        )

    def partitions(self, topic: str) -> tuple[TopicPartition, ...]:
        """See EventReader.partitions."""
        try:
            found = self._consumer.list_topics(topic, timeout=self._timeout_s).topics[topic]
        except KafkaException as error:
            raise Unavailable("kafka", error.args[0].str()) from error
        return tuple(TopicPartition(topic, number) for number in sorted(found.partitions))

    def extents(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, Extent]:
        """See EventReader.extents."""
        deadline_s = time.monotonic() + self._timeout_s
        return {place: self._extent(place, deadline_s) for place in partitions}

    def _extent(self, place: TopicPartition, deadline_s: float) -> Extent:
        asked = confluent_kafka.TopicPartition(*place)
        while True:
            left_s = max(0.0, deadline_s - time.monotonic())
            try:
                return Extent(*self._consumer.get_watermark_offsets(asked, timeout=left_s))
            except KafkaException as error:
                # The partitions of a new topic have no leader for a moment.
                if error.args[0].code() not in _ELECTING or left_s == 0.0:
                    raise Unavailable("kafka", error.args[0].str()) from error
            time.sleep(_ELECTION_POLL_S)

    def assign(self, offsets: Mapping[TopicPartition, int]) -> None:
        """See EventReader.assign."""
        start = {**offsets, **self._committed([place for place, at in offsets.items() if at == OFFSET_COMMITTED])}
        self._positions, self._errors = {}, []
        self._consumer.assign([confluent_kafka.TopicPartition(*place, at) for place, at in start.items()])

    def join(self, topics: Sequence[str], start: StartOffsets) -> None:
        """Share the topics' partitions with the other members of the group, evenly.

        start: asked for the offsets of partitions that come to this member, within poll_batch(), which raises what
        `start` raises. Partitions of equal number, of topics with as many, go to the same member.
        """

        def take(consumer: Consumer, given: list[confluent_kafka.TopicPartition]) -> None:
            offsets = start([TopicPartition(place.topic, place.partition) for place in given])
            consumer.assign([confluent_kafka.TopicPartition(*place, at) for place, at in offsets.items()])

        def leave(consumer: Consumer, _: list[confluent_kafka.TopicPartition]) -> None:
            self._positions, self._errors = {}, []
            consumer.unassign()

        self._consumer.subscribe(list(topics), on_assign=take, on_revoke=leave, on_lost=leave)

    def _committed(self, places: list[TopicPartition]) -> dict[TopicPartition, int]:
        if not places:
            return {}
        asked = [confluent_kafka.TopicPartition(*place) for place in places]
        try:
            answers = self._consumer.committed(asked, timeout=self._timeout_s)
        except KafkaException as error:
            raise Unavailable("kafka", error.args[0].str()) from error
        return {
            TopicPartition(answer.topic, answer.partition): answer.offset if answer.offset >= 0 else OFFSET_BEGINNING
            for answer in answers
        }

    def seek(self, partition: TopicPartition, offset: int) -> None:
        """See EventReader.seek."""
        self._positions.pop(partition, None)
        # Not Consumer.seek, which is refused until the first fetch of the partition has begun.
        self._consumer.incremental_unassign([confluent_kafka.TopicPartition(*partition)])
        self._consumer.incremental_assign([confluent_kafka.TopicPartition(*partition, offset)])

    def poll_batch(self, max_records: int, timeout_s: float) -> list[Record]:
        """See EventReader.poll_batch."""
        # consume() waits for the whole batch; so wait for one record, then take what has come with it.
        messages = self._consumer.consume(1, timeout_s)
        if messages and max_records > 1:
            messages += self._consumer.consume(max_records - 1, 0)
        records = [self._record(message) for message in messages if message.error() is None]
        self._errors += [message for message in messages if message.error() is not None]
        if records:
            # An error waits for the next call, or the records beside it would be lost.
            self._last_answer_s = time.monotonic()
        elif self._errors:
            raise self._translated(self._errors.pop(0))
        else:
            self._check_brokers()
        for record in records:
            self._positions[TopicPartition(record.topic, record.partition)] = record.offset + 1
        return records

    @staticmethod
    def _translated(message: Message) -> OffsetLost | Unavailable:
        error = message.error()
        assert error is not None
        if error.code() in {KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE}:  # noqa: SLF001 — its name
            return OffsetLost(message.topic() or "", message.partition() or 0, error.str())
        return Unavailable("kafka", error.str())

    def _check_brokers(self) -> None:
        """Silence is usual when nothing is written; ask from time to time whether anybody is there."""
        if time.monotonic() - self._last_answer_s < self._timeout_s:
            return
        try:
            self._consumer.list_topics("ping", timeout=self._timeout_s)
        except KafkaException as error:
            raise Unavailable("kafka", error.args[0].str()) from error
        self._last_answer_s = time.monotonic()

    @staticmethod
    def _record(message: Message) -> Record:
        headers = tuple((name, value or b"") for name, value in message.headers() or ())  # type: ignore[str-unpack]  # a pair, typed as str
        topic, partition, offset = message.topic(), message.partition(), message.offset()
        # Only messages that stand for an error lack them.
        assert topic is not None
        assert partition is not None
        assert offset is not None
        return Record(
            topic,
            partition,
            offset,
            message.key(),
            message.value(),
            message.timestamp()[1],
            headers,  # type: ignore[arg-type]  # the stub allows a mapping too, which is never returned
        )

    def commit(self) -> None:
        """See EventReader.commit."""
        if not self._positions:
            return
        offsets = [confluent_kafka.TopicPartition(*place, at) for place, at in self._positions.items()]
        try:
            self._consumer.commit(offsets=offsets, asynchronous=False)
        except KafkaException as error:
            raise Unavailable("kafka", error.args[0].str()) from error

    def tell(self) -> None:
        """Like commit(), for those who watch how far the group is: does not wait, and a failure changes nothing."""
        offsets = [confluent_kafka.TopicPartition(*place, at) for place, at in self._positions.items()]
        if offsets:
            self._consumer.commit(offsets=offsets, asynchronous=True)

    def close(self) -> None:
        """See EventReader.close."""
        if not self._closed:
            self._closed = True
            self._consumer.close()
