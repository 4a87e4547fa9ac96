"""Chooses the Kafka client of the producer. The one module of this package that names adapters."""

from __future__ import annotations

from typing import Final

from config import KafkaSettings
from fraud_prevention.ports import EventLog

KAFKA_PYTHON_PER_S: Final = 2_000.0  # above it, its 59 µs of CPU a record are felt


def open_log(client: str, per_s: float | None, settings: KafkaSettings) -> EventLog:
    """A connection by the client asked for; `auto` takes kafka-python up to 2,000 records a second.

    `per_s` is the expected rate, None for as fast as possible. Raises Unavailable.
    """
    is_slow = per_s is not None and per_s <= KAFKA_PYTHON_PER_S
    if client == "kafka-python" or (client == "auto" and is_slow):
        from storage_security.kafka.kafka_python_log import KafkaPythonLog

        return KafkaPythonLog(settings)
    from storage_security.kafka.confluent_log import ConfluentLog

    return ConfluentLog(settings)
