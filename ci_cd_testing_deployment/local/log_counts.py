"""How far the topics of a running stack have come."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from config import KafkaSettings
from storage_security.kafka.confluent_reader import ConfluentReader


class LogCounts:
    """Counts records by their offsets, without reading them. Use as a context manager."""

    def __init__(self, bootstrap_servers: str) -> None:
        self._reader = ConfluentReader(KafkaSettings(bootstrap_servers=bootstrap_servers))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._reader.close()

    def ends(self, topic: str) -> dict[int, int]:
        """The next offset of each partition. Raises Unavailable."""
        extents = self._reader.extents(self._reader.partitions(topic))
        return {place.partition: extent.end for place, extent in extents.items()}

    def count(self, topic: str) -> int:
        """Records ever written to the topic. Raises Unavailable."""
        return sum(self.ends(topic).values())
