"""Each fact is read once, however often it was written."""

from __future__ import annotations

import orjson
import pytest

from fraud_prevention.domain import topics
from fraud_prevention.ports import OFFSET_BEGINNING, TopicPartition
from storage_security.kafka.memory_log import MemoryBroker, MemoryLog, MemoryReader
from storage_security.kafka.reader import IDENTITIES, RepeatFilter, UniqueReader


@pytest.fixture
def broker() -> MemoryBroker:
    return MemoryBroker(dict.fromkeys((spec.name for spec in topics.TOPICS), 1), now_ms=lambda: 0)


def decision(transaction_id: str, version: int = 1, **more: object) -> bytes:
    return orjson.dumps({"transaction_id": transaction_id, "decision_version": version, **more})


def reading(broker: MemoryBroker, topic: str, capacity: int = 100) -> UniqueReader:
    reader = MemoryReader(broker)
    reader.assign({TopicPartition(topic, 0): OFFSET_BEGINNING})
    return UniqueReader(reader, capacity)


def write(broker: MemoryBroker, topic: str, *values: bytes) -> None:
    log = MemoryLog(broker)
    for value in values:
        log.publish(topic, b"customer", value)


def test_repeated_decision_is_read_once(broker: MemoryBroker) -> None:
    write(broker, topics.DECISIONS, decision("a"), decision("b"), decision("a"), decision("a", 2), decision("b"))
    reader = reading(broker, topics.DECISIONS)
    events = reader.poll(100, 0)
    assert [event.record.offset for event in events] == [0, 1, 3]
    assert reader.repeats == 2


def test_same_id_on_another_topic_is_another_fact(broker: MemoryBroker) -> None:
    write(broker, topics.DECISIONS, decision("a"))
    write(broker, topics.FEATURES, decision("a"))
    inner = MemoryReader(broker)
    inner.assign({TopicPartition(name, 0): OFFSET_BEGINNING for name in (topics.DECISIONS, topics.FEATURES)})
    assert len(UniqueReader(inner).poll(100, 0)) == 2


def test_reader_that_seeks_back_sees_its_records_again(broker: MemoryBroker) -> None:
    write(broker, topics.DECISIONS, decision("a"), decision("b"), decision("a"))
    reader = reading(broker, topics.DECISIONS)
    first = reader.poll(100, 0)
    reader.seek(TopicPartition(topics.DECISIONS, 0), 0)
    assert reader.poll(100, 0) == first


def test_memory_is_bounded_and_keeps_what_was_seen_last() -> None:
    seen = RepeatFilter(capacity=2)
    assert not seen.is_repeat(("a",), 0, 0)
    assert not seen.is_repeat(("b",), 0, 1)
    assert seen.is_repeat(("a",), 0, 2)
    assert not seen.is_repeat(("c",), 0, 3)
    assert seen.is_repeat(("a",), 0, 4)
    assert not seen.is_repeat(("b",), 0, 5)


@pytest.mark.parametrize("value", [b"not json", b"[1,2]", b'"text"', b'{"transaction_id": null}', b"{}"])
def test_what_has_no_identity_is_passed_on_for_the_consumer_to_judge(broker: MemoryBroker, value: bytes) -> None:
    write(broker, topics.DECISIONS, value, value)
    assert [event.record.value for event in reading(broker, topics.DECISIONS).poll(100, 0)] == [value, value]


def test_every_topic_of_facts_has_an_identity() -> None:
    assert set(IDENTITIES) == {spec.name for spec in topics.TOPICS} - set(topics.DEAD_LETTERS)
