"""Sends whole batches through librdkafka and waits until the brokers have all of it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Final

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from config import KafkaSettings
from fraud_prevention.domain.errors import Unavailable
from fraud_prevention.domain.topics import MAX_MESSAGE_BYTES
from storage_security.kafka.connection import librdkafka

_ROOM_WAIT_S: Final = 0.05
_QUEUE_RECORDS: Final = 500_000
_QUEUE_KB: Final = 1_048_576


class BulkWriter:
    """Idempotent, acknowledged by all in-sync replicas, lz4. Only failures are reported one by one.

    Must be built in the process that uses it: a fork does not carry librdkafka's threads along.
    """

    def __init__(self, settings: KafkaSettings) -> None:
        self._timeout_s = settings.request_timeout_ms / 1000
        self._cause = "no broker has answered"
        self._failure: str | None = None
        self._producer = Producer(
            {
                **librdkafka(settings),
                "enable.idempotence": True,
                "acks": "all",
                "compression.type": "lz4",
                "linger.ms": 5,
                "batch.size": 1_000_000,
                "queue.buffering.max.messages": _QUEUE_RECORDS,
                "queue.buffering.max.kbytes": _QUEUE_KB,
                "message.max.bytes": MAX_MESSAGE_BYTES,
                "delivery.timeout.ms": settings.request_timeout_ms,
                "delivery.report.only.error": True,
                # Java's, which Spark and kafka-python use: a key has one partition, whoever writes.
                "partitioner": "murmur2_random",
                "error_cb": self._note_error,
                "on_delivery": self._delivered,
            }
        )

    def _note_error(self, error: KafkaError) -> None:
        self._cause = error.str()

    def _delivered(self, error: KafkaError | None, message: Message) -> None:
        if error is not None:
            self._failure = f"{message.topic()}: {error.str()} ({self._cause})"

    def write(self, topic: str, keys: Sequence[bytes], values: Sequence[bytes]) -> None:
        """Queue records; blocks while the queue is full. Raises Unavailable."""
        produce = self._producer.produce
        for key, value in zip(keys, values, strict=True):
            while True:
                try:
                    produce(topic, value, key)
                    break
                except BufferError:
                    self._wait_for_room()
                except KafkaException as error:
                    raise Unavailable("kafka", error.args[0].str()) from error

    def _wait_for_room(self) -> None:
        """Bounded by the time-out of delivery: what is queued goes out or fails."""
        self._producer.poll(_ROOM_WAIT_S)
        if self._failure is not None:
            self.flush()

    def flush(self) -> None:
        """Return when the brokers have all that was written. Raises Unavailable, after which it must be written again."""
        deadline_s = time.monotonic() + self._timeout_s
        left = self._producer.flush(self._timeout_s)
        while left and time.monotonic() < deadline_s:
            left = self._producer.flush(_ROOM_WAIT_S)
        failure, self._failure = self._failure, None
        if failure is not None or left:
            raise Unavailable("kafka", failure or f"{left} records are not acknowledged ({self._cause})")
