"""How far the topics of a running stack have come."""

from __future__ import annotations

from types import TracebackType
from typing import Final, Self

from confluent_kafka import Consumer, TopicPartition

_TIMEOUT_S: Final = 10.0


class LogCounts:
    """Counts records by their offsets, without reading them. Use as a context manager."""

    def __init__(self, bootstrap_servers: str) -> None:
        self._consumer = Consumer({"bootstrap.servers": bootstrap_servers, "group.id": "log-counts"})

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._consumer.close()

    def ends(self, topic: str) -> dict[int, int]:
        """The next offset of each partition."""
        partitions = self._consumer.list_topics(topic, timeout=_TIMEOUT_S).topics[topic].partitions
        return {
            p: self._consumer.get_watermark_offsets(TopicPartition(topic, p), timeout=_TIMEOUT_S)[1] for p in partitions
        }

    def count(self, topic: str) -> int:
        """Records ever written to the topic."""
        return sum(self.ends(topic).values())
