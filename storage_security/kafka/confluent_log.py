"""Writes to Kafka through librdkafka: the adapter of the hot paths (2.6 µs of CPU a record)."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from functools import partial
from typing import Final

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from config import KafkaSettings
from fraud_prevention.domain.errors import Unavailable
from fraud_prevention.domain.topics import MAX_MESSAGE_BYTES
from fraud_prevention.ports import AckCallback
from storage_security.kafka.connection import librdkafka
from storage_security.kafka.in_flight import InFlight

_SERVE_S: Final = 0.1


class ConfluentLog:
    """An EventLog. Idempotent, acknowledged by all in-sync replicas, lz4, with a bounded queue.

    Must be built in the process that uses it: a fork does not carry librdkafka's threads along.
    """

    def __init__(self, settings: KafkaSettings, *, queue_records: int = 100_000, linger_ms: float = 2.0) -> None:
        self._timeout_s = settings.request_timeout_ms / 1000
        self._in_flight = InFlight()
        self._cause = "no broker has answered"
        self._closed = threading.Event()
        self._producer = Producer(
            {
                **librdkafka(settings),
                "enable.idempotence": True,
                "acks": "all",
                "compression.type": "lz4",
                "linger.ms": linger_ms,
                "queue.buffering.max.messages": queue_records,
                "message.max.bytes": MAX_MESSAGE_BYTES,
                "delivery.timeout.ms": settings.request_timeout_ms,
                # Java's, which Spark and kafka-python use: a key has one partition, whoever writes.
                "partitioner": "murmur2_random",
                "error_cb": self._note_error,
            }
        )
        self._server = threading.Thread(target=self._serve, name="kafka-acknowledgements", daemon=True)
        self._server.start()

    def _serve(self) -> None:
        while not self._closed.is_set():
            self._producer.poll(_SERVE_S)

    def _note_error(self, error: KafkaError) -> None:
        # A record that times out does not say why; the connection's last error does.
        self._cause = error.str()

    def publish(
        self,
        topic: str,
        key: bytes,
        value: bytes,
        headers: Sequence[tuple[str, bytes]] | None = None,
        on_ack: AckCallback | None = None,
    ) -> None:
        """See EventLog.publish."""
        if self._closed.is_set():
            raise Unavailable("kafka", "this log is closed")
        self._in_flight.add()
        try:
            self._producer.produce(
                topic,
                value,
                key,
                headers=list(headers) if headers else None,
                on_delivery=partial(self._delivered, on_ack),
            )
        except (BufferError, KafkaException) as error:
            self._in_flight.withdraw()
            if isinstance(error, BufferError):
                raise Unavailable("kafka", f"the queue of records that wait for it is full ({self._cause})") from None
            if error.args[0].code() == KafkaError.MSG_SIZE_TOO_LARGE:
                raise ValueError(f"a record of {len(value)} bytes is larger than {topic} takes") from None
            raise Unavailable("kafka", error.args[0].str()) from error

    def _delivered(self, on_ack: AckCallback | None, error: KafkaError | None, _message: Message) -> None:
        failure = None if error is None else Unavailable("kafka", f"{error.str()} ({self._cause})")
        self._in_flight.settle(on_ack, failure)

    def flush(self, timeout_s: float) -> int:
        """See EventLog.flush."""
        deadline = time.monotonic() + timeout_s
        self._producer.flush(timeout_s)
        # librdkafka's queue is empty before its last callback has ended.
        return self._in_flight.wait(deadline - time.monotonic())

    def ping(self, timeout_s: float) -> None:
        """See EventLog.ping."""
        try:
            # One name that need not exist: the whole list would be long. Asking does not create it.
            self._producer.list_topics("ping", timeout=timeout_s)
        except KafkaException as error:
            raise Unavailable("kafka", f"{error.args[0].str()} ({self._cause})") from error

    def close(self) -> None:
        """See EventLog.close."""
        if self._closed.is_set():
            return
        self.flush(self._timeout_s)
        self._closed.set()
        self._server.join()
