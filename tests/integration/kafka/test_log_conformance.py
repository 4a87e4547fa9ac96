"""What the contracts of EventLog and EventReader promise holds for every adapter, the one in memory included."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from config import KafkaSettings
from fraud_prevention.domain.errors import OffsetLost, Unavailable
from fraud_prevention.domain.topics import MAX_MESSAGE_BYTES
from fraud_prevention.ports import (
    OFFSET_BEGINNING,
    OFFSET_COMMITTED,
    OFFSET_END,
    EventLog,
    EventReader,
    Extent,
    Record,
    TopicPartition,
)
from storage_security.kafka.confluent_log import ConfluentLog
from storage_security.kafka.confluent_reader import ConfluentReader
from storage_security.kafka.kafka_python_log import KafkaPythonLog
from storage_security.kafka.kafka_python_reader import KafkaPythonReader
from storage_security.kafka.memory_log import MemoryBroker, MemoryLog, MemoryReader

PARTITIONS = 3
WAIT_S = 20.0


@dataclass(frozen=True)
class Adapter:
    """One way to reach one topic."""

    topic: str
    make_log: Callable[[], EventLog]
    make_reader: Callable[[str | None], EventReader]


@pytest.fixture(params=["memory", "confluent", "kafka-python"])
def adapter(request: pytest.FixtureRequest) -> Iterator[Adapter]:
    opened: list[Any] = []

    def kept(thing: Any) -> Any:
        opened.append(thing)
        return thing

    if request.param == "memory":
        broker = MemoryBroker({"conformance": PARTITIONS}, now_ms=lambda: time.time_ns() // 1_000_000)
        yield Adapter("conformance", lambda: MemoryLog(broker), lambda group: MemoryReader(broker, group))
        return
    kafka = request.getfixturevalue("kafka")
    topic = kafka.new_topic("conformance", PARTITIONS)
    settings = KafkaSettings(bootstrap_servers=kafka.bootstrap_servers)
    if request.param == "confluent":
        yield Adapter(topic, lambda: kept(ConfluentLog(settings)), lambda group: kept(ConfluentReader(settings, group)))
    else:
        yield Adapter(
            topic, lambda: kept(KafkaPythonLog(settings)), lambda group: kept(KafkaPythonReader(settings, group))
        )
    for thing in opened:
        thing.close()


def read(reader: EventReader, count: int, at_once: int = 1000) -> list[Record]:
    """Read until `count` records have come."""
    records: list[Record] = []
    deadline = time.monotonic() + WAIT_S
    while len(records) < count and time.monotonic() < deadline:
        records += reader.poll_batch(at_once, 0.5)
    return records


def publish(adapter: Adapter, *pairs: tuple[bytes, bytes]) -> None:
    log = adapter.make_log()
    for key, value in pairs:
        log.publish(adapter.topic, key, value)
    assert log.flush(WAIT_S) == 0


def from_beginning(adapter: Adapter, group: str | None = None) -> EventReader:
    reader = adapter.make_reader(group)
    reader.assign(dict.fromkeys(reader.partitions(adapter.topic), OFFSET_BEGINNING))
    return reader


def test_record_comes_back_as_it_was_written(adapter: Adapter) -> None:
    log = adapter.make_log()
    before_ms = time.time_ns() // 1_000_000
    log.publish(adapter.topic, b"customer", b'{"a":1}', headers=[("transaction_id", b"t1")])
    assert log.flush(WAIT_S) == 0
    [record] = read(from_beginning(adapter), 1)
    assert (record.topic, record.key, record.value) == (adapter.topic, b"customer", b'{"a":1}')
    assert record.headers == (("transaction_id", b"t1"),)
    assert record.offset == 0
    assert before_ms - 1000 <= record.timestamp_ms <= time.time_ns() // 1_000_000 + 1000


def test_every_record_is_acknowledged_once(adapter: Adapter) -> None:
    log = adapter.make_log()
    answers: list[Exception | None] = []
    for number in range(500):
        log.publish(adapter.topic, b"k%d" % number, b"v", on_ack=answers.append)
    assert log.flush(WAIT_S) == 0
    assert answers == [None] * 500


def test_same_key_keeps_partition_and_order(adapter: Adapter) -> None:
    publish(adapter, *((b"customer-%d" % (n % 7), b"%d" % n) for n in range(210)))
    records = read(from_beginning(adapter), 210)
    assert len(records) == 210
    for key in {record.key for record in records}:
        mine = [record for record in records if record.key == key]
        assert len({record.partition for record in mine}) == 1
        assert [int(record.value or b"") for record in mine] == sorted(int(record.value or b"") for record in mine)
    assert len({record.partition for record in records}) > 1


def test_batch_is_no_larger_than_asked_and_comes_as_soon_as_there_is_something(adapter: Adapter) -> None:
    publish(adapter, *((b"k", b"%d" % n) for n in range(25)))
    reader = from_beginning(adapter)
    first = read(reader, 1, at_once=10)
    assert 1 <= len(first) <= 10
    assert len(first + read(reader, 25 - len(first))) == 25
    reader = from_beginning(adapter)
    began_s = time.monotonic()
    assert reader.poll_batch(1_000_000, WAIT_S)
    assert time.monotonic() - began_s < WAIT_S / 2


def test_empty_batch_when_nothing_is_written(adapter: Adapter) -> None:
    assert from_beginning(adapter).poll_batch(10, 0.2) == []


def test_waiting_reader_gets_what_another_thread_writes(adapter: Adapter) -> None:
    reader = from_beginning(adapter)
    writer = threading.Thread(target=publish, args=(adapter, (b"k", b"late")))
    writer.start()
    assert [record.value for record in read(reader, 1)] == [b"late"]
    writer.join()


def test_reader_begins_where_it_is_told(adapter: Adapter) -> None:
    publish(adapter, *((b"k", b"%d" % n) for n in range(5)))
    [place] = {TopicPartition(r.topic, r.partition) for r in read(from_beginning(adapter), 5)}
    reader = adapter.make_reader(None)
    reader.assign({place: 3})
    assert [record.offset for record in read(reader, 2)] == [3, 4]
    reader.seek(place, 1)
    assert [record.offset for record in read(reader, 4)] == [1, 2, 3, 4]


def test_reader_at_the_end_sees_only_what_comes(adapter: Adapter) -> None:
    publish(adapter, (b"k", b"old"))
    [old] = read(from_beginning(adapter), 1)
    place = TopicPartition(old.topic, old.partition)
    reader = adapter.make_reader(None)
    reader.assign({place: OFFSET_END})
    assert reader.poll_batch(10, 1.0) == []
    publish(adapter, (b"k", b"new"))
    assert [record.value for record in read(reader, 1)] == [b"new"]


def test_group_goes_on_after_what_it_committed(adapter: Adapter) -> None:
    publish(adapter, *((b"k", b"%d" % n) for n in range(4)))
    reader = adapter.make_reader("a-group")
    places = reader.partitions(adapter.topic)
    reader.assign(dict.fromkeys(places, OFFSET_COMMITTED))
    assert [record.value for record in read(reader, 4)] == [b"0", b"1", b"2", b"3"]
    reader.commit()
    reader.close()
    publish(adapter, (b"k", b"4"))
    again = adapter.make_reader("a-group")
    again.assign(dict.fromkeys(places, OFFSET_COMMITTED))
    assert [record.value for record in read(again, 1)] == [b"4"]
    other = adapter.make_reader("another-group")
    other.assign(dict.fromkeys(places, OFFSET_COMMITTED))
    assert len(read(other, 5)) == 5


def test_offset_that_the_log_does_not_hold_is_an_error(adapter: Adapter) -> None:
    reader = adapter.make_reader(None)
    reader.assign({TopicPartition(adapter.topic, 0): 1_000})
    with pytest.raises(OffsetLost) as caught:
        read(reader, 1)
    assert (caught.value.topic, caught.value.partition) == (adapter.topic, 0)


def test_extents_say_what_each_partition_holds_and_move_no_reader(adapter: Adapter) -> None:
    reader = from_beginning(adapter)
    places = reader.partitions(adapter.topic)
    assert reader.extents(places) == dict.fromkeys(places, Extent(0, 0))
    assert reader.extents(()) == {}
    publish(adapter, *((b"k", b"%d" % n) for n in range(7)))
    [first] = read(reader, 1, at_once=1)
    place = TopicPartition(first.topic, first.partition)
    assert reader.extents(places) == {p: Extent(0, 7 if p == place else 0) for p in places}
    assert [record.value for record in read(reader, 6)] == [b"%d" % n for n in range(1, 7)]


def test_extent_of_a_partition_that_there_is_not_is_an_error(adapter: Adapter) -> None:
    reader = adapter.make_reader(None)
    with pytest.raises(Unavailable):
        reader.extents([TopicPartition("no-such-topic", 0)])


def test_partitions_of_a_topic(adapter: Adapter) -> None:
    reader = adapter.make_reader(None)
    assert reader.partitions(adapter.topic) == tuple(TopicPartition(adapter.topic, n) for n in range(PARTITIONS))
    assert reader.partitions("no-such-topic") == ()


def test_record_larger_than_the_limit_is_refused_at_once(adapter: Adapter) -> None:
    log = adapter.make_log()
    with pytest.raises(ValueError, match="larger than"):
        log.publish(adapter.topic, b"k", b"x" * (MAX_MESSAGE_BYTES + 1))
    assert log.flush(WAIT_S) == 0


def test_megabytes_pass(adapter: Adapter) -> None:
    large = bytes(range(256)) * 4 * 1024 * 5
    publish(adapter, (b"k", large))
    [record] = read(from_beginning(adapter), 1)
    assert record.value == large


def test_closed_log_refuses_and_may_be_closed_again(adapter: Adapter) -> None:
    log = adapter.make_log()
    log.publish(adapter.topic, b"k", b"v")
    log.close()
    log.close()
    with pytest.raises(Unavailable):
        log.publish(adapter.topic, b"k", b"v")
    assert len(read(from_beginning(adapter), 1)) == 1


def test_running_broker_answers_the_ping(adapter: Adapter) -> None:
    adapter.make_log().ping(WAIT_S)
