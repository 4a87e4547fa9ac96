"""Readers of one group share the partitions of the log, each from where the caller says."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from uuid import uuid4

import pytest

from config import KafkaSettings
from fraud_prevention.domain.errors import Unavailable
from fraud_prevention.ports import OFFSET_BEGINNING, OFFSET_COMMITTED, TopicPartition
from storage_security.kafka.confluent_log import ConfluentLog
from storage_security.kafka.confluent_reader import ConfluentReader
from tests.fixtures.services import KafkaService

PARTITIONS = 4
WAIT_S = 60.0


class Member:
    """A member that knows which partitions it was given last, and reads on from what it read before."""

    def __init__(
        self, settings: KafkaSettings, group: str, topics: Sequence[str], held: dict[TopicPartition, int]
    ) -> None:
        self.reader = ConfluentReader(settings, group)
        self.given: set[TopicPartition] = set()
        self.seen: list[TopicPartition] = []
        self._held = held
        self.reader.join(topics, self._start)

    def _start(self, partitions: Sequence[TopicPartition]) -> Mapping[TopicPartition, int]:
        self.given = set(partitions)
        return {place: self._held.get(place, OFFSET_BEGINNING) for place in partitions}

    def poll(self) -> None:
        for record in self.reader.poll_batch(100, 0.1):
            place = TopicPartition(record.topic, record.partition)
            self._held[place] = record.offset + 1
            self.seen.append(place)
        self.reader.tell()


@pytest.fixture
def settings(kafka: KafkaService) -> KafkaSettings:
    return KafkaSettings(bootstrap_servers=kafka.bootstrap_servers)


@pytest.fixture
def topics(kafka: KafkaService, settings: KafkaSettings) -> list[str]:
    """Two topics with a record in each partition."""
    names = [kafka.new_topic(f"shared-{letter}", PARTITIONS) for letter in "ab"]
    with closing(ConfluentLog(settings)) as log:
        for name in names:
            for number in range(200):
                log.publish(name, str(number).encode(), b"x")
        assert log.flush(30) == 0
    return names


def until(condition: Callable[[], bool], members: Sequence[Member], what: str) -> None:
    deadline_s = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < deadline_s, f"waited {WAIT_S:.0f} s for {what}"
        for member in members:
            member.poll()


def test_members_share_equal_partitions_and_take_over_what_another_leaves(
    settings: KafkaSettings, topics: list[str]
) -> None:
    group, held = f"group-{uuid4().hex[:8]}", dict[TopicPartition, int]()
    first = Member(settings, group, topics, held)
    until(lambda: len(first.seen) == 400, [first], "every record")
    second = Member(settings, group, topics, held)
    until(lambda: len(first.given) == len(second.given) == PARTITIONS, [first, second], "an even share")
    assert not first.given & second.given
    for member in (first, second):
        numbers = {topic: {p.partition for p in member.given if p.topic == topic} for topic in topics}
        assert numbers[topics[0]] == numbers[topics[1]], "a customer's records are with one member"
    first.reader.close()
    until(lambda: len(second.given) == 2 * PARTITIONS, [second], "the partitions of the one that left")
    assert second.seen == [], "what another has read is not read again"
    second.reader.close()


def test_watchers_of_the_group_see_how_far_it_is(settings: KafkaSettings, topics: list[str]) -> None:
    group, held = f"group-{uuid4().hex[:8]}", dict[TopicPartition, int]()
    member = Member(settings, group, topics, held)
    until(lambda: len(member.seen) == 400, [member], "every record")
    with closing(ConfluentReader(settings, group)) as watcher:
        places = sorted(member.given)

        def told() -> bool:
            watcher.assign(dict.fromkeys(places, OFFSET_COMMITTED))
            return watcher.poll_batch(1, 0.5) == []

        until(told, [member], "the last position at the broker")
    member.reader.close()


def test_a_position_that_cannot_be_read_is_told(settings: KafkaSettings, topics: list[str]) -> None:
    def away(_: Sequence[TopicPartition]) -> Mapping[TopicPartition, int]:
        raise Unavailable("postgresql", "no answer")

    with closing(ConfluentReader(settings, f"group-{uuid4().hex[:8]}")) as reader:
        reader.join(topics, away)
        with pytest.raises(Unavailable, match="postgresql"):
            reader.poll_batch(1, WAIT_S)
