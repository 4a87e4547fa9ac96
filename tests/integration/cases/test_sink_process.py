"""The sink as it runs: a process on real servers that may be killed at any moment."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import orjson
import pytest
import redis
from sqlalchemy import Engine, text

from config import ROOT, KafkaSettings
from data_pipeline.read_topic import read_to_end
from fraud_prevention.domain import topics
from fraud_prevention.domain.decision import alert_id
from storage_security.kafka.admin import ensure_topics
from storage_security.kafka.confluent_log import ConfluentLog
from storage_security.kafka.confluent_reader import ConfluentReader
from storage_security.postgres.migrate import upgrade
from tests.fixtures.services import KafkaService

WAIT_S = 60.0


def wait_for(condition: Callable[[], bool], what: str) -> None:
    """Poll until the condition holds; fails after `WAIT_S`."""
    deadline = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < deadline, f"waited {WAIT_S:.0f} s for {what}"
        time.sleep(0.05)


@pytest.fixture(scope="module")
def log(kafka: KafkaService) -> Iterator[ConfluentLog]:
    ensure_topics(kafka.bootstrap_servers, partitions=3)
    found = ConfluentLog(KafkaSettings(bootstrap_servers=kafka.bootstrap_servers))
    yield found
    found.close()


@pytest.fixture
def start_sink(
    kafka: KafkaService, database: str, redis_url: str, tmp_path: Path
) -> Iterator[Callable[[], subprocess.Popen[bytes]]]:
    """Starts sink processes on this test's stores; whatever still runs at the end is killed."""
    started: list[subprocess.Popen[bytes]] = []
    environment = {
        **os.environ,
        "FRAUD_KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap_servers,
        "FRAUD_POSTGRES_DSN": database,
        "FRAUD_REDIS_URL": redis_url,
        "FRAUD_SINK_BATCH_SIZE": "50",
        "FRAUD_READY_FILE": str(tmp_path / "ready"),
    }

    def start() -> subprocess.Popen[bytes]:
        process = subprocess.Popen([sys.executable, "-m", "storage_security.sink"], env=environment, cwd=ROOT)
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.wait(timeout=10)


def count(engine: Engine, sql: str, **values: Any) -> int:
    with engine.connect() as connection:
        return int(connection.execute(text(sql), values).scalar_one())


def publish(log: ConfluentLog, topic: str, payloads: list[dict[str, Any]]) -> None:
    for payload in payloads:
        log.publish(topic, payload["customer_id"].encode(), orjson.dumps(payload))
    assert log.flush(30) == 0


def read_all(kafka: KafkaService, topic: str) -> list[dict[str, Any]]:
    """Everything that the topic holds at this moment."""
    reader = ConfluentReader(KafkaSettings(bootstrap_servers=kafka.bootstrap_servers))
    found = [orjson.loads(record.value or b"{}") for record in read_to_end(reader, topic)]
    reader.close()
    return found


def test_killed_and_doubled_sinks_write_every_decision_and_alert_once(
    kafka: KafkaService,
    log: ConfluentLog,
    engine: Engine,
    redis_url: str,
    tmp_path: Path,
    start_sink: Callable[[], subprocess.Popen[bytes]],
    decision: Callable[..., dict[str, Any]],
    alert: Callable[..., dict[str, Any]],
) -> None:
    run = uuid4().hex[:8]
    n, every = 2_000, 10
    decisions = [decision(f"{run}-{i}", f"{run}-c{i % 50}") for i in range(n)]
    for payload in decisions[::every]:
        payload["outcome"] = "review"
    alerts = [alert(payload["transaction_id"], payload["customer_id"]) for payload in decisions[::every]]
    mine = {"mine": f"{run}-%"}
    written = "SELECT count(*) FROM decisions WHERE transaction_id LIKE :mine"

    def has_at_least(wanted: int) -> bool:
        return count(engine, written, **mine) >= wanted

    publish(log, topics.DECISIONS, decisions[: n // 2])
    publish(log, topics.ALERTS, alerts)
    for part in range(1, 4):
        sink = start_sink()
        wait_for(partial(has_at_least, part * 100), "some decisions")
        sink.kill()
        assert sink.wait(timeout=10) == -signal.SIGKILL
    publish(log, topics.DECISIONS, decisions)  # the first half for the second time
    publish(log, topics.ALERTS, alerts)
    pair = [start_sink(), start_sink()]
    alerted = "SELECT count(*) FROM fraud_alerts WHERE transaction_id LIKE :mine AND case_id IS NOT NULL"
    wait_for(lambda: count(engine, written, **mine) == n, "all decisions")
    wait_for(lambda: count(engine, alerted, **mine) == len(alerts), "all alerts")

    recount = "SELECT hour, outcome, decisions, amount_base_minor FROM fraud_summary ORDER BY 1, 2"
    counted = (
        "SELECT date_trunc('hour', decided_at, 'UTC'), outcome, count(*), sum(amount_base_minor) "
        "FROM decisions GROUP BY 1, 2 ORDER BY 1, 2"
    )
    with engine.connect() as connection:
        assert connection.execute(text(recount)).all() == connection.execute(text(counted)).all()
    assert count(engine, "SELECT count(*) FROM cases WHERE customer_id LIKE :mine", **mine) == 5
    assert count(engine, "SELECT sum(alert_count) FROM cases WHERE customer_id LIKE :mine", **mine) == len(alerts)

    with redis.Redis.from_url(redis_url) as client:
        key = f"fraud_alert:{run}-0"
        assert orjson.loads(client.get(key) or b"{}")["alert_id"] == alert_id(f"{run}-0", 1)
        assert 0 < client.ttl(key) <= 86_400
        assert len(client.keys(f"fraud_alert:{run}-*")) == len(alerts)

    wait_for(lambda: count(engine, "SELECT count(*) FROM outbox WHERE sent_at IS NULL") == 0, "an empty outbox")
    events = [e for e in read_all(kafka, topics.CASE_EVENTS) if e["customer_id"].startswith(run)]
    with engine.connect() as connection:
        recorded = set(connection.execute(text("SELECT event_id FROM case_events")).scalars())
    assert [e for e in events if e["event_id"] not in recorded] == []
    assert len({e["event_id"] for e in events}) == len(alerts)
    assert sum(e["kind"] == "opened" for e in events) >= 5

    assert (tmp_path / "ready").exists()
    for sink in pair:
        sink.send_signal(signal.SIGTERM)
    assert [sink.wait(timeout=30) for sink in pair] == [0, 0]
    assert not (tmp_path / "ready").exists()


@pytest.mark.usefixtures("log")
def test_sink_without_a_schema_ends_and_says_why(
    kafka: KafkaService, postgres_dsn: str, redis_url: str, tmp_path: Path
) -> None:
    """Only a lost dependency is waited for: a missing table is a mistake of the deployment."""
    environment = {
        **os.environ,
        "FRAUD_KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap_servers,
        "FRAUD_POSTGRES_DSN": postgres_dsn,
        "FRAUD_REDIS_URL": redis_url,
        "FRAUD_READY_FILE": str(tmp_path / "ready"),
    }
    command = [sys.executable, "-m", "storage_security.sink"]
    failed = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, check=False, timeout=WAIT_S)
    assert failed.returncode != 0
    assert b"storage_security.postgres.migrate" in failed.stderr
    upgrade(postgres_dsn)
    sink = subprocess.Popen(command, env=environment, cwd=ROOT)
    wait_for((tmp_path / "ready").exists, "the ready file")
    sink.send_signal(signal.SIGTERM)
    assert sink.wait(timeout=30) == 0
