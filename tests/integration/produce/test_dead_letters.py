"""`fraud dlq` against a real broker: letters are listed, and replayed where they would be let in."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any
from uuid import uuid4

import orjson
import pytest
from typer.testing import CliRunner

from ci_cd_testing_deployment.cli.dlq import app
from config import KafkaSettings
from data_pipeline.contract.load import load_examples
from data_pipeline.read_topic import read_to_end
from fraud_prevention.domain.dead_letter import dead_letter
from fraud_prevention.domain.errors import FieldError
from fraud_prevention.domain.topics import TRANSACTIONS, dead_letter_topic
from storage_security.kafka.admin import ensure_topics
from storage_security.kafka.confluent_log import ConfluentLog
from storage_security.kafka.confluent_reader import ConfluentReader
from tests.fixtures.services import KafkaService

GOOD = next(e.payload for e in load_examples(TRANSACTIONS) if e.field is None)
WAIT_S = 20.0


@pytest.fixture
def settings(kafka: KafkaService, monkeypatch: pytest.MonkeyPatch) -> KafkaSettings:
    ensure_topics(kafka.bootstrap_servers)
    monkeypatch.setenv("FRAUD_KAFKA_BOOTSTRAP_SERVERS", kafka.bootstrap_servers)
    return KafkaSettings()


def _write_letters(settings: KafkaSettings, reason: str, first: int, *payloads: dict[str, Any]) -> None:
    log = ConfluentLog(settings)
    error = FieldError("event_time", reason, "was ahead")
    for offset, payload in enumerate(payloads, start=first):
        letter = dead_letter(
            [error],
            topic=TRANSACTIONS,
            partition=0,
            offset=offset,
            key=b"c1",
            payload=orjson.dumps(payload),
            at_ms=offset,
        )
        log.publish(dead_letter_topic(TRANSACTIONS), b"c1", orjson.dumps(letter))
    assert log.flush(WAIT_S) == 0
    log.close()


def test_letters_are_listed_and_those_that_would_be_let_in_are_replayed(
    settings: KafkaSettings, tmp_path: Path
) -> None:
    name = uuid4()
    reason, first, now_ms = name.hex[:12], name.int % 10**12, time.time_ns() // 1_000_000
    ripe, unripe = (
        {**GOOD, "transaction_id": f"{reason}-{state}", "event_time": now_ms + ahead_ms}
        for state, ahead_ms in (("ripe", 0), ("unripe", 3_600_000))
    )
    _write_letters(settings, reason, first, ripe, unripe)
    cli = CliRunner()
    listed = cli.invoke(app, ["list", "--topic", TRANSACTIONS, "--reason", reason])
    assert listed.exit_code == 0, listed.output
    assert listed.stdout.splitlines()[-1] == f"2 dead letters: {reason} 2"

    done = cli.invoke(app, ["replay", "--topic", TRANSACTIONS, "--reason", reason])
    assert done.exit_code == 1
    assert "event_time: is more than 300 s ahead of the clock" in done.stderr
    assert json.loads(done.stdout) == {"sent": 1, "refused": 1, "undelivered": 0, "failure": None}

    repaired = tmp_path / "repaired.json"
    repaired.write_bytes(orjson.dumps({**unripe, "event_time": now_ms}))
    place = f"{TRANSACTIONS}/0/{first + 1}"
    assert cli.invoke(app, ["replay", place, "--payload", str(repaired)]).exit_code == 0

    reader = ConfluentReader(settings)
    sent = [json.loads(record.value or b"{}") for record in read_to_end(reader, TRANSACTIONS)]
    reader.close()
    mine = {payload["transaction_id"] for payload in sent if payload["transaction_id"].startswith(reason)}
    assert mine == {ripe["transaction_id"], unripe["transaction_id"]}
