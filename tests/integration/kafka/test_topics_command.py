"""`python -m storage_security.kafka.admin` makes the topics of the flow, and may be repeated."""

from __future__ import annotations

import pytest

from fraud_prevention.domain.topics import TOPICS
from storage_security.kafka import admin
from tests.fixtures.services import KafkaService


def test_topics_are_there_after_one_run_and_stay_at_the_next(
    kafka: KafkaService, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FRAUD_KAFKA_BOOTSTRAP_SERVERS", kafka.bootstrap_servers)
    admin.main()
    assert all(admin.partitions_of(kafka.bootstrap_servers, spec.name) for spec in TOPICS)
    capsys.readouterr()
    admin.main()
    assert capsys.readouterr().out == "every topic is there\n"


def test_silence_of_the_brokers_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FRAUD_KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:1")
    monkeypatch.setattr(admin, "_TIMEOUT_S", 0.5)
    with pytest.raises(SystemExit, match=r"topics cannot be made: kafka .*127\.0\.0\.1:1"):
        admin.main()
