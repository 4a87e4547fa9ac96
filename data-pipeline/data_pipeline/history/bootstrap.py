"""Connects what reads the live log back. The one module of this package that names adapters."""

from __future__ import annotations

from contextlib import closing

from config import KafkaSettings
from data_pipeline.history.live import LiveDecisions, read_decisions
from storage_security.kafka.confluent_reader import ConfluentReader


def read_live_decisions(settings: KafkaSettings, start_ms: int, end_ms: int) -> LiveDecisions:
    """See `data_pipeline.history.live.read_decisions`."""
    with closing(ConfluentReader(settings)) as reader:
        return read_decisions(reader, start_ms, end_ms)
