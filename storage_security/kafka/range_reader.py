"""Reads exact ranges of offsets through librdkafka, batch after batch, without starting anew between them."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Final

from confluent_kafka import Consumer, KafkaError, KafkaException, Message
from confluent_kafka import TopicPartition as Place

from config import KafkaSettings
from fraud_prevention.domain.errors import OffsetLost, Unavailable
from fraud_prevention.domain.topics import MAX_MESSAGE_BYTES
from storage_security.kafka.connection import librdkafka

_POLL_S: Final = 0.1
_AT_ONCE: Final = 10_000
_NO_SUCH_OFFSET: Final = KafkaError._AUTO_OFFSET_RESET  # noqa: SLF001 — librdkafka's own code has no public name
# What librdkafka may hold ahead of the reader: about two batches.
_QUEUE_KB: Final = 65_536
# What is kept of a place that the last ranges left out: a quiet one is asked for again soon.
_STRAY_RECORDS: Final = 2_000


class RangeReader:
    """Keeps its position between calls: a range that goes on where the last one ended costs no seek.

    Must be built in the process that uses it: a fork does not carry librdkafka's threads along.
    """

    def __init__(self, settings: KafkaSettings, silence_s: float = 30.0) -> None:
        self._silence_s = silence_s
        self._timeout_s = settings.request_timeout_ms / 1000
        self._next: dict[tuple[str, int], int] = {}
        self._ahead: dict[tuple[str, int], list[Message]] = {}
        self._consumer = Consumer(
            {
                **librdkafka(settings),
                "group.id": "without-group",  # librdkafka wants one; nothing is committed
                "enable.auto.commit": False,
                "enable.auto.offset.store": False,
                "auto.offset.reset": "error",  # a gap must be seen, not skipped
                "fetch.message.max.bytes": MAX_MESSAGE_BYTES,
                "fetch.wait.max.ms": 100,
                "queued.max.messages.kbytes": _QUEUE_KB,
                "check.crcs": False,
                "allow.auto.create.topics": False,
            }
        )

    def read(self, ranges: Mapping[tuple[str, int], tuple[int, int]]) -> dict[tuple[str, int], list[Message]]:
        """All records of each (topic, partition) from its first to before its last offset, in order.

        Raises OffsetLost where the log does not hold them any more, Unavailable when nothing comes for `silence_s`.
        """
        try:
            return self._read(ranges)
        except (OffsetLost, Unavailable):
            self._next, self._ahead = {}, {}  # what came is gone with the failure: sought again next time
            raise

    def _read(self, ranges: Mapping[tuple[str, int], tuple[int, int]]) -> dict[tuple[str, int], list[Message]]:
        self._position(ranges)
        found: dict[tuple[str, int], list[Message]] = {place: [] for place in ranges}
        missing = {place: end - start for place, (start, end) in ranges.items()}
        for place in ranges:
            held = self._ahead.pop(place, [])
            self._take(place, held, found, missing)
        left = sum(missing.values())
        silent_since_s = time.monotonic()
        while left > 0:
            messages = self._consumer.consume(min(left, _AT_ONCE), _POLL_S)
            if messages:
                silent_since_s = time.monotonic()
            elif time.monotonic() - silent_since_s > self._silence_s:
                waiting = sorted(f"{t}[{p}]" for (t, p), n in missing.items() if n > 0)
                raise Unavailable("kafka", f"{', '.join(waiting)} silent for {self._silence_s:g} s")
            for place, part in _by_place(messages, ranges).items():
                self._take(place, part, found, missing)
            left = sum(missing.values())
        for place, (_, end) in ranges.items():
            self._next[place] = end
        self._let_go(ranges)
        return found

    def _let_go(self, ranges: Mapping[tuple[str, int], tuple[int, int]]) -> None:
        """Stop reading places that nobody asks for although much came: another process has them now."""
        strays = [p for p, held in self._ahead.items() if p not in ranges and len(held) > _STRAY_RECORDS]
        for place in strays:
            del self._ahead[place], self._next[place]
        if strays:
            self._consumer.incremental_unassign([Place(*place) for place in strays])

    def _take(
        self,
        place: tuple[str, int],
        messages: list[Message],
        found: dict[tuple[str, int], list[Message]],
        missing: dict[tuple[str, int], int],
    ) -> None:
        wanted = missing.get(place, 0)
        found.get(place, []).extend(messages[:wanted])
        if len(messages) > wanted:
            self._ahead.setdefault(place, []).extend(messages[wanted:])
        if wanted:
            missing[place] = wanted - min(wanted, len(messages))

    def _position(self, ranges: Mapping[tuple[str, int], tuple[int, int]]) -> None:
        if all(self._next.get(place) == start for place, (start, _) in ranges.items()):
            return
        self._next.update({place: start for place, (start, _) in ranges.items()})
        self._ahead = {}
        self._consumer.assign([Place(*place, at) for place, at in self._next.items()])

    def ends(self, topics: Sequence[str], partitions: int) -> dict[str, list[int]]:
        """The offset behind the last record of every partition. Raises Unavailable."""
        try:
            return {
                t: [
                    self._consumer.get_watermark_offsets(Place(t, p), timeout=self._timeout_s)[1]
                    for p in range(partitions)
                ]
                for t in topics
            }
        except KafkaException as error:
            raise Unavailable("kafka", error.args[0].str()) from error

    def close(self) -> None:
        self._consumer.close()


def _by_place(
    messages: Sequence[Message], wanted: Mapping[tuple[str, int], tuple[int, int]]
) -> dict[tuple[str, int], list[Message]]:
    """Split a poll by partition. Raises OffsetLost or Unavailable for an error of a wanted one among them."""
    found: dict[tuple[str, int], list[Any]] = defaultdict(list)
    for message in messages:
        place: Any = (message.topic(), message.partition())
        error = message.error()
        if error is None:
            found[place].append(message)
        elif place in wanted or place[0] is None:
            _raise(message, error)
    return found


def _raise(message: Message, error: KafkaError) -> None:
    """What passes by itself is left to librdkafka: the bound on silence holds."""
    if error.code() in (_NO_SUCH_OFFSET, KafkaError.OFFSET_OUT_OF_RANGE):
        raise OffsetLost(str(message.topic()), int(message.partition() or 0), error.str())
    if not error.retriable():
        raise Unavailable("kafka", error.str())
