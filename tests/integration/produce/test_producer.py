"""The producer command against a real broker: as written in the README, interrupted, and without a broker."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ci_cd_testing_deployment.local.log_counts import LogCounts
from config import ROOT, KafkaSettings
from data_pipeline.contract.check import check_payload
from data_pipeline.history.files import LIVE_FILE
from data_pipeline.history.generate import write_history
from data_pipeline.synthetic.world import WorldSpec
from fraud_prevention.domain.topics import AUTHORISATIONS, TRANSACTIONS
from fraud_prevention.ports import OFFSET_BEGINNING
from storage_security.kafka.admin import ensure_topics
from storage_security.kafka.confluent_reader import ConfluentReader
from tests.fixtures.services import KafkaService

SCRIPT = [sys.executable, str(ROOT / "data-pipeline" / "kafka_producer.py")]


@pytest.fixture
def broker(kafka: KafkaService) -> str:
    ensure_topics(kafka.bootstrap_servers)
    return kafka.bootstrap_servers


def _environment() -> dict[str, str]:
    """Without the settings of a running stack: each test says where its broker is."""
    return {**os.environ, "PYTHONUNBUFFERED": "1"}


def _run(*arguments: str) -> dict[str, Any]:
    done = subprocess.run(
        [*SCRIPT, *arguments], capture_output=True, text=True, timeout=180, env=_environment(), check=False
    )
    assert done.stdout, done.stderr
    summary: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return summary


def _run_and_interrupt(*arguments: str) -> dict[str, Any]:
    """Ctrl-C at the first line of progress."""
    with subprocess.Popen(
        [*SCRIPT, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=_environment()
    ) as process:
        assert process.stderr is not None
        assert process.stdout is not None
        assert "sent" in process.stderr.readline()
        process.send_signal(signal.SIGINT)
        summary: dict[str, Any] = json.loads(process.stdout.read().splitlines()[-1])
    assert process.returncode == 0
    assert summary["interrupted"]
    assert summary["undelivered"] == 0
    return summary


def _payloads(bootstrap: str, topic: str) -> list[dict[str, Any]]:
    """Everything the topic holds now: read to its end, however long a busy broker takes."""
    with LogCounts(bootstrap) as log:
        expected = log.count(topic)
    reader = ConfluentReader(KafkaSettings(bootstrap_servers=bootstrap))
    reader.assign(dict.fromkeys(reader.partitions(topic), OFFSET_BEGINNING))
    found: list[dict[str, Any]] = []
    while len(found) < expected:
        batch = reader.poll_batch(10_000, 30.0)
        assert batch, f"{topic} stops at {len(found)} of {expected} records"
        for record in batch:
            payload = json.loads(record.value or b"{}")
            assert record.key == payload["customer_id"].encode()
            found.append(payload)
    reader.close()
    return found


def _all_ids(bootstrap: str) -> list[str]:
    return [payload["transaction_id"] for payload in _payloads(bootstrap, TRANSACTIONS)]


@pytest.mark.parametrize("client", ["kafka-python", "confluent"])
def test_as_written_it_sends_so_many_valid_transactions_and_says_so(broker: str, tmp_path: Path, client: str) -> None:
    before = set(_all_ids(broker))
    world = ["--seed", "99" if client == "confluent" else "98", "--customers", "300", "--world", str(tmp_path)]
    summary = _run(
        "--delay", "0.002", "--fraud-rate", "0.05", "--num", "400", *world, "--bootstrap", broker, "--client", client
    )
    assert summary["transactions"] == 400
    assert summary["undelivered"] == 0
    assert abs(summary["frauds"] - 20) <= 4
    for topic in (TRANSACTIONS, AUTHORISATIONS):
        new = [payload for payload in _payloads(broker, topic) if payload["transaction_id"] not in before]
        assert len(new) == 400
        assert [error for payload in new for error in check_payload(topic, payload)] == []


def test_interrupted_it_delivers_what_it_has_sent_and_goes_on_from_there(broker: str, tmp_path: Path) -> None:
    write_history(WorldSpec(seed=97, customers=200, start_day=20_000), 10, tmp_path)
    before = set(_all_ids(broker))
    endless = ["--rate", "400", "--world", str(tmp_path), "--bootstrap", broker]
    summary = _run_and_interrupt(*endless)
    # Others write to this broker too, and a killed API may have repeated one of its own.
    first = [name for name in _all_ids(broker) if name not in before]
    assert len(first) == len(set(first)) == summary["transactions"] > 0
    # The source is weeks behind the clock, so that records carry its own time.
    assert json.loads((tmp_path / LIVE_FILE).read_text()) == {"streamed_to_ms": summary["last_event_time"] + 1}

    # Without an end it begins as early as it may, unlike a run of known length, which ends about now.
    again = _run_and_interrupt(*endless)
    assert again["first_event_time"] > summary["last_event_time"]
    both = [name for name in _all_ids(broker) if name not in before]
    assert len(both) == len(set(both)) == len(first) + again["transactions"]


def test_replays_a_history_as_fast_as_possible_with_its_own_times(broker: str, tmp_path: Path) -> None:
    written = write_history(WorldSpec(seed=96, customers=200, start_day=20_000), 3, tmp_path)
    summary = _run("--replay", str(tmp_path / "history.parquet"), "--speed", "max", "--bootstrap", broker)
    assert summary["transactions"] == summary["authorisations"] == written.transactions
    assert summary["first_event_time"] // 86_400_000 == 20_000
    one_day = _run(
        "--replay", str(tmp_path), "--speed", "0", "--from", "2024-10-05", "--days", "1", "--bootstrap", broker
    )
    assert 0 < one_day["transactions"] < summary["transactions"]


def test_says_so_when_no_broker_answers(tmp_path: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        nowhere = f"127.0.0.1:{unused.getsockname()[1]}"
        done = subprocess.run(
            [
                *SCRIPT,
                "--num",
                "1",
                "--rate",
                "9",
                "--customers",
                "50",
                "--world",
                str(tmp_path),
                "--bootstrap",
                nowhere,
            ],
            capture_output=True,
            text=True,
            timeout=180,
            env={**_environment(), "FRAUD_KAFKA_REQUEST_TIMEOUT_MS": "1500"},
            check=False,
        )
    assert done.returncode != 0
    assert "kafka is unavailable" in done.stderr + done.stdout
    assert "Traceback" not in done.stderr
