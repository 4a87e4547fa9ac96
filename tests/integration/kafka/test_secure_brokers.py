"""Brokers that want TLS are reached by both libraries, with a certificate or with name and password."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from ci_cd_testing_deployment.local.stack import LocalStack
from config import KafkaSettings
from fraud_prevention.domain.errors import Unavailable
from fraud_prevention.ports import OFFSET_BEGINNING, EventLog, EventReader, TopicPartition
from storage_security.kafka.admin import ensure_topics, partitions_of
from storage_security.kafka.bulk_writer import BulkWriter
from storage_security.kafka.confluent_log import ConfluentLog
from storage_security.kafka.confluent_reader import ConfluentReader
from storage_security.kafka.kafka_python_log import KafkaPythonLog
from storage_security.kafka.kafka_python_reader import KafkaPythonReader
from storage_security.kafka.positions import KafkaPositions
from storage_security.kafka.range_reader import RangeReader
from tests.fixtures.secure_kafka import USER, Pki, SecureKafka, add_user
from tests.fixtures.services import KafkaService, guarded_run_dir, skipped_without_programs

WAIT_S = 30.0


@dataclass(frozen=True)
class SecureBroker:
    """Where it listens, and the settings that reach it."""

    plain: str
    ssl: dict[str, Any]
    sasl: dict[str, Any]


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecureBroker]:
    pki = Pki(tmp_path_factory.mktemp("pki")).make()
    stack = LocalStack(guarded_run_dir("secure-kafka"), services=(SecureKafka(pki),), steps=())
    with skipped_without_programs():
        stack.up()
    ports = stack.ports()
    plain = f"127.0.0.1:{ports['kafka']}"
    ca = {"ca_file": Path(pki.path("ca.crt"))}
    yield SecureBroker(
        plain,
        {
            "bootstrap_servers": f"127.0.0.1:{ports['kafka-ssl']}",
            "security_protocol": "SSL",
            "certificate_file": Path(pki.path("client.crt")),
            "key_file": Path(pki.path("client.key")),
            **ca,
        },
        {
            "bootstrap_servers": f"127.0.0.1:{ports['kafka-sasl']}",
            "security_protocol": "SASL_SSL",
            "username": USER,
            "password": add_user(plain),
            **ca,
        },
    )
    stack.down()


@pytest.fixture(params=["ssl", "sasl"])
def secured(request: pytest.FixtureRequest, broker: SecureBroker) -> dict[str, Any]:
    found: dict[str, Any] = getattr(broker, request.param)
    return found


def round_trip(log: EventLog, reader: EventReader, topic: str) -> list[bytes | None]:
    log.publish(topic, b"key", b"value")
    assert log.flush(WAIT_S) == 0
    reader.assign({TopicPartition(topic, 0): OFFSET_BEGINNING})
    deadline_s, found = time.monotonic() + WAIT_S, list[bytes | None]()
    while not found and time.monotonic() < deadline_s:
        found += [record.value for record in reader.poll_batch(10, 1.0)]
    log.close()
    reader.close()
    return found


@pytest.mark.parametrize("library", ["confluent", "kafka-python"])
def test_records_go_both_ways(library: str, secured: dict[str, Any], broker: SecureBroker) -> None:
    topic = KafkaService(broker.plain).new_topic(uuid4().hex[:8])
    settings = KafkaSettings(**secured)
    log: EventLog = ConfluentLog(settings) if library == "confluent" else KafkaPythonLog(settings)
    reader: EventReader = ConfluentReader(settings) if library == "confluent" else KafkaPythonReader(settings)
    assert round_trip(log, reader, topic) == [b"value"]


def test_stream_clients_read_and_write(secured: dict[str, Any], broker: SecureBroker) -> None:
    topic = KafkaService(broker.plain).new_topic(uuid4().hex[:8])
    settings = KafkaSettings(**secured)
    writer = BulkWriter(settings)
    writer.write(topic, [b"key"], [b"value"])
    writer.flush()
    assert KafkaPositions(settings, (topic,), 1).ends() == {topic: [1]}
    (records,) = RangeReader(settings).read({(topic, 0): (0, 1)}).values()
    assert [record.value() for record in records] == [b"value"]


def test_topics_are_made_with_the_same_settings(secured: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in secured.items():
        monkeypatch.setenv(f"FRAUD_KAFKA_{name.upper()}", str(value))
    ensure_topics(secured["bootstrap_servers"], partitions=1)
    assert partitions_of(secured["bootstrap_servers"], "transactions.v1") == 1


def test_wrong_password_and_missing_certificate_are_refused(broker: SecureBroker) -> None:
    for wrong in ({**broker.sasl, "password": "another"}, {**broker.ssl, "certificate_file": None, "key_file": None}):
        log = ConfluentLog(KafkaSettings(**wrong, request_timeout_ms=3_000))
        with pytest.raises(Unavailable):
            log.ping(3.0)
        log.close()
