"""Connects the dead-letter tool. The one module of this package that names adapters."""

from __future__ import annotations

from config import IngestSettings, KafkaSettings
from data_pipeline.deadletter.gate import Gate
from fraud_prevention.clock import SystemClock
from fraud_prevention.ports import EventLog, EventReader
from storage_security.kafka.confluent_log import ConfluentLog
from storage_security.kafka.confluent_reader import ConfluentReader


def open_reader(settings: KafkaSettings) -> EventReader:
    """A reader without a group: looking at letters moves nobody's position."""
    return ConfluentReader(settings)


def open_log(settings: KafkaSettings) -> EventLog:
    """A log to replay to."""
    return ConfluentLog(settings)


def open_gate(settings: IngestSettings) -> Gate:
    """The bounds that the stream has, by the clock of this machine."""
    return Gate(settings.bounds(), SystemClock().now_ms)
