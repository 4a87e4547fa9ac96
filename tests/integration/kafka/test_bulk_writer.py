"""Whole batches to a real log: all of it is there, or the failure is said."""

from __future__ import annotations

import time
from typing import Any

import pytest
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from ci_cd_testing_deployment.local import ports
from config import KafkaSettings
from fraud_prevention.domain.errors import Unavailable
from storage_security.kafka.bulk_writer import BulkWriter
from storage_security.kafka.confluent_log import ConfluentLog
from storage_security.kafka.range_reader import RangeReader
from tests.fixtures.services import KafkaService

WAIT_S = 20.0


def held(kafka: KafkaService, topic: str, partitions: int) -> list[list[tuple[Any, Any]]]:
    """Key and value of all records, by partition."""
    reader = RangeReader(KafkaSettings(bootstrap_servers=kafka.bootstrap_servers), silence_s=5.0)
    ends = reader.ends([topic], partitions)[topic]
    found = reader.read({(topic, p): (0, end) for p, end in enumerate(ends) if end})
    reader.close()
    return [[(m.key(), m.value()) for m in found.get((topic, p), [])] for p in range(partitions)]


def test_after_flush_everything_is_on_the_log_in_order(kafka: KafkaService) -> None:
    topic = kafka.new_topic("bulk", 3)
    writer = BulkWriter(KafkaSettings(bootstrap_servers=kafka.bootstrap_servers))
    keys = [b"k%d" % (i % 50) for i in range(20_000)]
    values = [b"%d" % i for i in range(20_000)]
    for at in range(0, 20_000, 7_000):
        writer.write(topic, keys[at : at + 7_000], values[at : at + 7_000])
    writer.flush()
    found = held(kafka, topic, 3)
    assert sorted(row for part in found for row in part) == sorted(zip(keys, values, strict=True))
    for part in found:
        numbers = [int(value) for _, value in part]
        assert numbers == sorted(numbers)
    writer.flush()  # nothing waits


def test_a_key_goes_where_the_other_writers_put_it(kafka: KafkaService) -> None:
    topic = kafka.new_topic("bulk", 5)
    settings = KafkaSettings(bootstrap_servers=kafka.bootstrap_servers)
    writer, log = BulkWriter(settings), ConfluentLog(settings)
    keys = [b"customer-%d" % i for i in range(100)]
    writer.write(topic, keys, keys)
    writer.flush()
    for key in keys:
        log.publish(topic, key, key)
    assert log.flush(WAIT_S) == 0
    log.close()
    for part in held(kafka, topic, 5):
        names = [key for key, _ in part]
        assert {name: names.count(name) for name in names} == dict.fromkeys(names, 2)


def test_flush_says_which_record_was_refused_and_goes_on_afterwards(kafka: KafkaService) -> None:
    small = kafka.new_topic("bulk") + "-small"
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap_servers})
    made = admin.create_topics([NewTopic(small, 1, 1, config={"max.message.bytes": "10000"})])
    made[small].result(timeout=WAIT_S)
    writer = BulkWriter(KafkaSettings(bootstrap_servers=kafka.bootstrap_servers))
    writer.write(small, [b"k"], [bytes(str(list(range(20_000))), "ascii")])
    with pytest.raises(Unavailable, match=small):
        writer.flush()
    writer.write(small, [b"k"], [b"small enough"])
    writer.flush()
    assert [row for part in held(kafka, small, 1) for row in part] == [(b"k", b"small enough")]


def test_a_record_beyond_all_bounds_is_refused_at_once(kafka: KafkaService) -> None:
    topic = kafka.new_topic("bulk")
    writer = BulkWriter(KafkaSettings(bootstrap_servers=kafka.bootstrap_servers))
    with pytest.raises(Unavailable):
        writer.write(topic, [b"k"], [b"x" * 17_000_000])


def test_nobody_answers() -> None:
    settings = KafkaSettings(bootstrap_servers=f"127.0.0.1:{ports.choose(())}", request_timeout_ms=1_000)
    writer = BulkWriter(settings)
    writer.write("topic", [b"k"] * 10, [b"v"] * 10)
    began_s = time.monotonic()
    with pytest.raises(Unavailable, match="refused"):
        writer.flush()
    assert time.monotonic() - began_s < WAIT_S


def test_keys_and_values_must_be_as_many(kafka: KafkaService) -> None:
    writer = BulkWriter(KafkaSettings(bootstrap_servers=kafka.bootstrap_servers))
    with pytest.raises(ValueError, match="shorter"):
        writer.write(kafka.new_topic("bulk"), [b"k", b"k"], [b"v"])
    writer.flush()
