"""Connects what reads the live log back. The one module of this package that names adapters."""

from __future__ import annotations

from contextlib import closing

from config import KafkaSettings
from data_pipeline.history.live import MAX_EVENTS, LiveDecisions, read_decisions
from storage_security.kafka.confluent_reader import ConfluentReader
from storage_security.kafka.reader import UniqueReader


def read_live_decisions(settings: KafkaSettings, start_ms: int, end_ms: int) -> LiveDecisions:
    """See `data_pipeline.history.live.read_decisions`; raises Unavailable too."""
    with closing(ConfluentReader(settings)) as reader:
        return read_decisions(reader, lambda r: UniqueReader(r, MAX_EVENTS), start_ms, end_ms)
