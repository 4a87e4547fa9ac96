"""Writes to Kafka in pure Python: for the producer command and small tools (59 µs of CPU a record)."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import partial
from typing import Final

from kafka import KafkaConsumer, KafkaProducer
from kafka.errors import IllegalStateError, KafkaError, MessageSizeTooLargeError

from config import KafkaSettings
from fraud_prevention.domain.errors import Unavailable
from fraud_prevention.domain.topics import MAX_MESSAGE_BYTES
from fraud_prevention.ports import AckCallback
from storage_security.kafka.connection import kafka_python
from storage_security.kafka.in_flight import InFlight

_LINGER_MS: Final = 5


class KafkaPythonLog:
    """An EventLog. Idempotent, acknowledged by all in-sync replicas, lz4, with a bounded queue."""

    def __init__(self, settings: KafkaSettings, *, queue_records: int = 10_000) -> None:
        """Connects at once. Raises Unavailable when no broker answers within the request time-out."""
        self._timeout_s = settings.request_timeout_ms / 1000
        self._queue_records = queue_records
        self._admission = threading.Lock()
        self._in_flight = InFlight()
        self._closed = False
        self._settings = settings
        self._producer = self._connected(settings)

    @staticmethod
    def _connected(settings: KafkaSettings) -> KafkaProducer:
        try:
            return KafkaProducer(
                **kafka_python(settings),
                acks="all",
                enable_idempotence=True,  # said aloud: left to its default, a setting in conflict would switch it off
                compression_type="lz4",
                linger_ms=_LINGER_MS,
                max_request_size=MAX_MESSAGE_BYTES,
                max_block_ms=settings.request_timeout_ms,
                # The client wants the delivery time-out to hold a whole request after the lingering.
                request_timeout_ms=settings.request_timeout_ms - _LINGER_MS,
                delivery_timeout_ms=settings.request_timeout_ms,
                bootstrap_timeout_ms=settings.request_timeout_ms,
                allow_auto_create_topics=False,
            )
        except KafkaError as error:
            raise Unavailable("kafka", f"{type(error).__name__}: {error}") from error

    def publish(
        self,
        topic: str,
        key: bytes,
        value: bytes,
        headers: Sequence[tuple[str, bytes]] | None = None,
        on_ack: AckCallback | None = None,
    ) -> None:
        """See EventLog.publish."""
        with self._admission:
            if self._closed:
                raise Unavailable("kafka", "this log is closed")
            if self._in_flight.waiting >= self._queue_records:
                raise Unavailable("kafka", f"{self._in_flight.waiting} records wait for it already")
            self._in_flight.add()
        try:
            future = self._producer.send(topic, value, key, headers=list(headers or ()))
        except MessageSizeTooLargeError:
            self._in_flight.withdraw()
            raise ValueError(f"a record of {len(value)} bytes is larger than {topic} takes") from None
        except (KafkaError, IllegalStateError) as error:
            self._in_flight.withdraw()
            raise Unavailable("kafka", str(error)) from error
        future.add_callback(partial(self._delivered, on_ack, None))
        future.add_errback(partial(self._delivered, on_ack))

    def _delivered(self, on_ack: AckCallback | None, error: Exception | None, _metadata: object = None) -> None:
        self._in_flight.settle(on_ack, None if error is None else Unavailable("kafka", str(error)))

    def flush(self, timeout_s: float) -> int:
        """See EventLog.flush. The client's own flush gives up on the first record that fails; this one goes on."""
        return self._in_flight.wait(timeout_s)

    def ping(self, timeout_s: float) -> None:
        """See EventLog.ping."""
        # The producer has no call for this; a client without an assignment fetches the cluster's metadata.
        limit_ms = timeout_s * 1000
        try:
            KafkaConsumer(**kafka_python(self._settings), bootstrap_timeout_ms=limit_ms).close()
        except KafkaError as error:
            raise Unavailable("kafka", str(error)) from error

    def close(self) -> None:
        """See EventLog.close."""
        with self._admission:
            if self._closed:
                return
            self._closed = True
        self.flush(self._timeout_s)
        self._producer.close(timeout=self._timeout_s)
