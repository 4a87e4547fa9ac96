"""Exact ranges of a real log: across calls, back again, and what is said when there is nothing to read."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping

import confluent_kafka
import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient

from ci_cd_testing_deployment.local import ports
from config import KafkaSettings
from fraud_prevention.domain.errors import OffsetLost, Unavailable
from storage_security.kafka.range_reader import RangeReader
from tests.fixtures.services import KafkaService

WAIT_S = 20.0
Place = tuple[str, int]
Ranges = Mapping[Place, tuple[int, int]]


@pytest.fixture
def reader(kafka: KafkaService) -> Iterator[RangeReader]:
    found = RangeReader(KafkaSettings(bootstrap_servers=kafka.bootstrap_servers), silence_s=5.0)
    yield found
    found.close()


def fill(kafka: KafkaService, topic: str, partition: int, first: int, last: int) -> None:
    producer = Producer({"bootstrap.servers": kafka.bootstrap_servers})
    for number in range(first, last):
        producer.produce(topic, b"%d:%d" % (partition, number), partition=partition)
        producer.poll(0)
    assert producer.flush(WAIT_S) == 0


def forget(kafka: KafkaService, topic: str, partition: int, before: int) -> None:
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap_servers})
    for done in admin.delete_records([confluent_kafka.TopicPartition(topic, partition, before)]).values():
        done.result(timeout=WAIT_S)


def values(found: Mapping[Place, list[confluent_kafka.Message]]) -> dict[Place, list[bytes | None]]:
    return {place: [m.value() for m in messages] for place, messages in found.items()}


def expected(ranges: Ranges) -> dict[Place, list[bytes]]:
    return {(t, p): [b"%d:%d" % (p, n) for n in range(*span)] for (t, p), span in ranges.items()}


def assert_reads(reader: RangeReader, ranges: Ranges) -> None:
    assert values(reader.read(ranges)) == expected(ranges)


def test_ranges_follow_each_other(kafka: KafkaService, reader: RangeReader) -> None:
    topic = kafka.new_topic("range", 2)
    for partition in range(2):
        fill(kafka, topic, partition, 0, 3_000)
    at = [0, 0]
    for step in ((1, 700), (999, 3), (0, 50), (1_000, 1_000), (17, 0), (983, 1_247)):
        ranges = {(topic, p): (at[p], at[p] + step[p]) for p in range(2) if step[p]}
        assert_reads(reader, ranges)
        at = [at[p] + step[p] for p in range(2)]
    assert at == [3_000, 3_000]


def test_several_topics_in_one_call(kafka: KafkaService, reader: RangeReader) -> None:
    topics = [kafka.new_topic("range") for _ in range(3)]
    for topic in topics:
        fill(kafka, topic, 0, 0, 100)
    assert_reads(reader, {(t, 0): (10 * i, 50 + i) for i, t in enumerate(topics)})


def test_nothing_is_read_at_once(reader: RangeReader) -> None:
    assert reader.read({}) == {}


def test_what_is_written_later_is_waited_for(kafka: KafkaService, reader: RangeReader) -> None:
    topic = kafka.new_topic("range")
    fill(kafka, topic, 0, 0, 10)
    assert_reads(reader, {(topic, 0): (0, 10)})
    fill(kafka, topic, 0, 10, 20)
    assert_reads(reader, {(topic, 0): (10, 20)})


@pytest.mark.parametrize("back", [(0, 500), (0, 10), (250, 600), (499, 500), (700, 800)])
def test_another_start_is_sought(kafka: KafkaService, reader: RangeReader, back: tuple[int, int]) -> None:
    topic = kafka.new_topic("range", 2)
    for partition in range(2):
        fill(kafka, topic, partition, 0, 1_000)
    both: Ranges = {(topic, 0): (0, 500), (topic, 1): (0, 500)}
    assert_reads(reader, both)
    assert_reads(reader, {(topic, 0): back, (topic, 1): (500, 510)})
    assert_reads(reader, both)
    assert_reads(reader, {(topic, 1): (500, 1_000)})
    assert_reads(reader, {(topic, 0): (500, 1_000)})


def test_a_range_below_what_the_log_holds_is_lost(kafka: KafkaService, reader: RangeReader) -> None:
    topic = kafka.new_topic("range")
    fill(kafka, topic, 0, 0, 10)
    forget(kafka, topic, 0, 4)
    began_s = time.monotonic()
    with pytest.raises(OffsetLost) as lost:
        reader.read({(topic, 0): (3, 10)})
    assert (lost.value.topic, lost.value.partition) == (topic, 0)
    assert time.monotonic() - began_s < WAIT_S
    assert_reads(reader, {(topic, 0): (4, 10)})


def test_a_range_beyond_the_end_is_lost_when_it_begins_there(kafka: KafkaService, reader: RangeReader) -> None:
    topic = kafka.new_topic("range")
    fill(kafka, topic, 0, 0, 10)
    with pytest.raises(OffsetLost):
        reader.read({(topic, 0): (20, 30)})


def test_silence_is_said_with_its_place(kafka: KafkaService) -> None:
    topic = kafka.new_topic("range", 2)
    fill(kafka, topic, 0, 0, 5)
    fill(kafka, topic, 1, 0, 5)
    reader = RangeReader(KafkaSettings(bootstrap_servers=kafka.bootstrap_servers), silence_s=1.5)
    with pytest.raises(Unavailable, match=rf"{topic}\[1\] silent for 1.5 s") as silent:
        reader.read({(topic, 0): (0, 5), (topic, 1): (0, 6)})
    assert f"{topic}[0]" not in str(silent.value)
    reader.close()


def test_after_a_failure_the_same_range_is_read_whole(kafka: KafkaService) -> None:
    topic = kafka.new_topic("range")
    fill(kafka, topic, 0, 0, 5)
    reader = RangeReader(KafkaSettings(bootstrap_servers=kafka.bootstrap_servers), silence_s=2.0)
    with pytest.raises(Unavailable):
        reader.read({(topic, 0): (0, 10)})
    fill(kafka, topic, 0, 5, 10)
    try:
        assert_reads(reader, {(topic, 0): (0, 10)})
    finally:
        reader.close()


def test_a_place_that_is_not_asked_for_any_more_is_not_kept(kafka: KafkaService, reader: RangeReader) -> None:
    topic = kafka.new_topic("range", 2)
    for partition in range(2):
        fill(kafka, topic, partition, 0, 10)
    assert_reads(reader, {(topic, 0): (0, 10)})
    for start in range(0, 5_000, 500):
        for partition in range(2):
            fill(kafka, topic, partition, max(start, 10), start + 500)
        assert_reads(reader, {(topic, 1): (start, start + 500)})
    assert sum(map(len, reader._ahead.values())) <= 1_000


def test_a_lost_place_that_is_not_asked_for_any_more_does_no_harm(kafka: KafkaService, reader: RangeReader) -> None:
    topic = kafka.new_topic("range", 2)
    for partition in range(2):
        fill(kafka, topic, partition, 0, 100)
    assert_reads(reader, {(topic, 0): (0, 10)})
    forget(kafka, topic, 0, 50)
    for end in range(100, 2_000, 100):  # what librdkafka finds out comes with one of the next calls
        assert_reads(reader, {(topic, 1): (end - 100, end)})
        fill(kafka, topic, 1, end, end + 100)


def test_nobody_answers() -> None:
    settings = KafkaSettings(bootstrap_servers=f"127.0.0.1:{ports.choose(())}", request_timeout_ms=1_000)
    reader = RangeReader(settings, silence_s=1.0)
    began_s = time.monotonic()
    with pytest.raises(Unavailable):
        reader.read({("topic", 0): (0, 1)})
    with pytest.raises(Unavailable):
        reader.ends(["topic"], 1)
    assert time.monotonic() - began_s < WAIT_S
    reader.close()


def test_ends_are_behind_the_last_record(kafka: KafkaService, reader: RangeReader) -> None:
    topic = kafka.new_topic("range", 3)
    for partition, count in enumerate((3, 7, 1)):
        fill(kafka, topic, partition, 0, count)
    assert reader.ends([topic], 3) == {topic: [3, 7, 1]}
