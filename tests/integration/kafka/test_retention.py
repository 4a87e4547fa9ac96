"""Readers of a topic whose oldest records are past retention."""

from __future__ import annotations

from collections.abc import Callable

import confluent_kafka
import pytest
from confluent_kafka.admin import AdminClient

from config import KafkaSettings
from data_pipeline.read_topic import read_to_end
from fraud_prevention.ports import EventReader, Extent, TopicPartition
from storage_security.kafka.confluent_log import ConfluentLog
from storage_security.kafka.confluent_reader import ConfluentReader
from storage_security.kafka.kafka_python_reader import KafkaPythonReader
from tests.fixtures.services import KafkaService

WAIT_S = 20.0


@pytest.mark.parametrize("make_reader", [ConfluentReader, KafkaPythonReader])
def test_a_topic_is_read_to_its_end_from_what_is_left_of_it(
    kafka: KafkaService, make_reader: Callable[[KafkaSettings], EventReader]
) -> None:
    settings = KafkaSettings(bootstrap_servers=kafka.bootstrap_servers)
    topic = kafka.new_topic("retention", 1)
    log, reader = ConfluentLog(settings), make_reader(settings)

    def write(*values: bytes) -> None:
        for value in values:
            log.publish(topic, b"k", value)
        assert log.flush(WAIT_S) == 0

    write(b"1", b"2", b"3")
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap_servers})
    for done in admin.delete_records([confluent_kafka.TopicPartition(topic, 0, 3)]).values():
        done.result(timeout=WAIT_S)
    place = TopicPartition(topic, 0)
    assert reader.extents([place]) == {place: Extent(3, 3)}
    assert list(read_to_end(reader, topic)) == []
    write(b"4", b"5")
    assert reader.extents([place]) == {place: Extent(3, 5)}
    assert [record.value for record in read_to_end(reader, topic)] == [b"4", b"5"]
    reader.close()
    log.close()
