"""What a writer and a reader say when nobody answers: soon, and with an error that can be retried."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

from ci_cd_testing_deployment.local import ports
from config import KafkaSettings
from fraud_prevention.domain.errors import Unavailable
from fraud_prevention.ports import TopicPartition
from storage_security.kafka.confluent_log import ConfluentLog
from storage_security.kafka.confluent_reader import ConfluentReader

TIMEOUT_MS = 1_000
SOON_S = 10.0


@pytest.fixture
def nobody() -> KafkaSettings:
    """An address where nothing listens."""
    return KafkaSettings(bootstrap_servers=f"127.0.0.1:{ports.choose(())}", request_timeout_ms=TIMEOUT_MS)


def test_record_that_is_never_acknowledged_is_reported_with_the_cause(nobody: KafkaSettings) -> None:
    log = ConfluentLog(nobody)
    answers: list[Exception | None] = []
    log.publish("t", b"k", b"v", on_ack=answers.append)
    assert log.flush(SOON_S) == 1
    [answer] = answers
    assert isinstance(answer, Unavailable)
    assert "refused" in str(answer)
    assert log.flush(SOON_S) == 0
    log.close()


def test_full_queue_refuses_at_once(nobody: KafkaSettings) -> None:
    log = ConfluentLog(nobody, queue_records=3)
    for _ in range(3):
        log.publish("t", b"k", b"v")
    began_s = time.monotonic()
    with pytest.raises(Unavailable, match="full"):
        log.publish("t", b"k", b"v")
    assert time.monotonic() - began_s < TIMEOUT_MS / 1000
    assert log.flush(SOON_S) == 3
    log.close()


def test_ping_fails_in_time(nobody: KafkaSettings) -> None:
    log = ConfluentLog(nobody)
    began_s = time.monotonic()
    with pytest.raises(Unavailable):
        log.ping(0.5)
    assert time.monotonic() - began_s < SOON_S
    log.close()


@pytest.mark.parametrize("client", ["kafka_python_log.KafkaPythonLog", "kafka_python_reader.KafkaPythonReader"])
def test_pure_python_client_cannot_be_built(nobody: KafkaSettings, client: str) -> None:
    module, name = client.split(".")
    # In a process of its own: kafka-python forgets sockets when it cannot connect, and another test would be blamed.
    program = f"""
from config import KafkaSettings
from fraud_prevention.domain.errors import Unavailable
from storage_security.kafka.{module} import {name}
try:
    {name}(KafkaSettings(bootstrap_servers={nobody.bootstrap_servers!r}, request_timeout_ms={TIMEOUT_MS}))
except Unavailable as error:
    print(error)
"""
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=True)
    assert run.stdout.startswith("kafka is unavailable")


def test_silent_brokers_are_noticed(nobody: KafkaSettings) -> None:
    reader = ConfluentReader(nobody)
    reader.assign({TopicPartition("t", 0): 0})
    deadline = time.monotonic() + SOON_S
    with pytest.raises(Unavailable):  # noqa: PT012 — silence for less than the time-out is no error
        while time.monotonic() < deadline:
            assert reader.poll_batch(10, 0.2) == []
    reader.close()


def test_extents_fail_in_time(nobody: KafkaSettings) -> None:
    reader = ConfluentReader(nobody)
    began_s = time.monotonic()
    with pytest.raises(Unavailable):
        reader.extents([TopicPartition("t", number) for number in range(100)])
    assert time.monotonic() - began_s < SOON_S
    reader.close()
