"""How far the topics of a running stack have come."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Final, Self

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

_TIMEOUT_S: Final = 10.0
_POLL_S: Final = 0.1
_ELECTING: Final = (KafkaError.NOT_LEADER_FOR_PARTITION, KafkaError.LEADER_NOT_AVAILABLE)


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
        return {p: self._end(TopicPartition(topic, p)) for p in partitions}

    def _end(self, place: TopicPartition) -> int:
        deadline = time.monotonic() + _TIMEOUT_S
        while True:
            try:
                return self._consumer.get_watermark_offsets(place, timeout=_TIMEOUT_S)[1]
            except KafkaException as error:
                # The partitions of a new topic have no leader for a moment.
                if error.args[0].code() not in _ELECTING or time.monotonic() > deadline:
                    raise
            time.sleep(_POLL_S)

    def count(self, topic: str) -> int:
        """Records ever written to the topic."""
        return sum(self.ends(topic).values())
