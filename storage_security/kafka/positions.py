"""How far topics go, and how far the stream said it was: one request each, whatever the number of partitions."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._listoffsets import OffsetSpec

from config import KafkaSettings
from fraud_prevention.domain.errors import Unavailable
from storage_security.kafka.connection import librdkafka

GROUP: Final = "fraudstream"  # nobody joins it: it only holds offsets, where lag tools look
_COORDINATING: Final = (
    KafkaError.NOT_COORDINATOR,
    KafkaError.COORDINATOR_NOT_AVAILABLE,
    KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
)
_COORDINATING_POLL_S: Final = 0.1
_LATEST: Final[Any] = OffsetSpec.latest()  # type: ignore[no-untyped-call]  # the package leaves its types out
_EARLIEST: Final[Any] = OffsetSpec.earliest()  # type: ignore[no-untyped-call]  # the package leaves its types out


class KafkaPositions:
    """Positions of a stream over the topics, which have `partitions` partitions each. All calls raise Unavailable."""

    def __init__(self, settings: KafkaSettings, topics: Sequence[str], partitions: int, earliest: bool = True) -> None:
        self._timeout_s = settings.request_timeout_ms / 1000
        self._places = [TopicPartition(topic, p) for topic in topics for p in range(partitions)]
        self._partitions, self._earliest = partitions, earliest
        self._admin = AdminClient(librdkafka(settings))
        self._consumer = Consumer(
            {
                **librdkafka(settings),
                "group.id": GROUP,
                "enable.auto.commit": False,
            }
        )

    def _list(self, spec: Any) -> dict[str, list[int]]:
        try:
            asked = self._admin.list_offsets(dict.fromkeys(self._places, spec), request_timeout=self._timeout_s)
            found: dict[str, list[int]] = {p.topic: [0] * self._partitions for p in self._places}
            for place, answer in asked.items():
                found[place.topic][place.partition] = answer.result(self._timeout_s).offset
        except TimeoutError as error:
            raise Unavailable("kafka", f"no broker answered within {self._timeout_s:.0f} s") from error
        except KafkaException as error:
            raise Unavailable("kafka", error.args[0].str()) from error
        return found

    def ends(self) -> dict[str, list[int]]:
        """The offset behind the last record of every partition."""
        return self._list(_LATEST)

    def starts(self) -> dict[str, list[int]]:
        """Where a stream without a plan begins."""
        return self._list(_EARLIEST if self._earliest else _LATEST)

    def committed(self) -> dict[str, list[int]] | None:
        """How far the stream last said it was, None where it never did."""
        deadline_s = time.monotonic() + self._timeout_s
        while True:
            try:
                places = self._consumer.committed(self._places, timeout=self._timeout_s)
                break
            except KafkaException as error:
                # A broker that starts takes a moment to know who keeps the group.
                if error.args[0].code() not in _COORDINATING or time.monotonic() > deadline_s:
                    raise Unavailable("kafka", error.args[0].str()) from error
            time.sleep(_COORDINATING_POLL_S)
        if not any(place.offset > 0 for place in places):
            return None
        found: dict[str, list[int]] = {place.topic: [0] * self._partitions for place in places}
        for place in places:
            found[place.topic][place.partition] = max(place.offset, 0)
        return found

    def commit(self, ends: Mapping[str, Sequence[int]]) -> None:
        """Say how far the stream is, without waiting for the answer."""
        places = [TopicPartition(topic, p, at) for topic, offsets in ends.items() for p, at in enumerate(offsets)]
        try:
            self._consumer.commit(offsets=places, asynchronous=True)
        except KafkaException as error:
            raise Unavailable("kafka", str(error)) from error

    def forget(self) -> None:
        """Forget how far the stream was: the next one begins where a new one does."""
        places = [TopicPartition(p.topic, p.partition, 0) for p in self._places]
        try:
            self._consumer.commit(offsets=places, asynchronous=False)
        except KafkaException as error:
            raise Unavailable("kafka", str(error)) from error
