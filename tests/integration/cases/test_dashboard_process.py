"""The officers' loop as it runs: log, sink, dashboard API, verdict, and the label back on the log."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPResponse
from typing import Any
from uuid import uuid4

import orjson
import pytest

from config import ROOT, KafkaSettings
from data_pipeline.read_topic import read_to_end
from fraud_prevention.domain import topics
from storage_security.kafka.admin import ensure_topics
from storage_security.kafka.confluent_log import ConfluentLog
from storage_security.kafka.confluent_reader import ConfluentReader
from tests.fixtures.services import KafkaService

WAIT_S = 60.0


@dataclass(frozen=True, slots=True)
class Running:
    """The dashboard API as a process, beside a sink."""

    port: int
    dashboard: subprocess.Popen[bytes]

    def connect(self) -> HTTPConnection:
        return HTTPConnection("127.0.0.1", self.port, timeout=WAIT_S)

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        connection = self.connect()
        data = None if body is None else orjson.dumps(body)
        try:
            connection.request(method, path, data, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            return answer.status, orjson.loads(answer.read())
        except ConnectionRefusedError:
            return 0, None
        finally:
            connection.close()


def wait_for(read: Callable[[], Any], what: str) -> Any:
    """Poll until there is something, and return it; fails after `WAIT_S`."""
    deadline = time.monotonic() + WAIT_S
    while not (found := read()):
        assert time.monotonic() < deadline, f"waited {WAIT_S:.0f} s for {what}"
        time.sleep(0.05)
    return found


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def running(kafka: KafkaService, database: str, redis_url: str) -> Iterator[Running]:
    ensure_topics(kafka.bootstrap_servers, partitions=3)
    port = free_port()
    environment = {
        **os.environ,
        "FRAUD_KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap_servers,
        "FRAUD_POSTGRES_DSN": database,
        "FRAUD_REDIS_URL": redis_url,
        "FRAUD_DASHBOARD_API_PORT": str(port),
        "FRAUD_DASHBOARD_OFFICER": "ann",
    }
    sink = subprocess.Popen([sys.executable, "-m", "storage_security.sink"], env=environment, cwd=ROOT)
    entry = "visualization_dashboard/backend/main.py"
    dashboard = subprocess.Popen([sys.executable, entry], env=environment, cwd=ROOT)
    found = Running(port, dashboard)
    wait_for(lambda: found.ask("GET", "/readyz")[0] == 200, "the dashboard API")
    yield found
    for process in (sink, dashboard):
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        process.wait(timeout=30)


def next_event(stream: HTTPResponse, kind: str, customer_id: str) -> dict[str, Any]:
    """The feed's next event of this kind about this customer."""
    name = b""
    while line := stream.readline():
        field, _, value = line.rstrip(b"\n").partition(b": ")
        if field == b"event":
            name = value
        elif field == b"data" and name == kind.encode():
            payload: dict[str, Any] = orjson.loads(value)
            if payload["customer_id"] == customer_id:
                return payload
    raise AssertionError("the feed has ended")


def labels_of(kafka: KafkaService, customer_id: str) -> list[dict[str, Any]]:
    reader = ConfluentReader(KafkaSettings(bootstrap_servers=kafka.bootstrap_servers))
    found = [orjson.loads(record.value or b"{}") for record in read_to_end(reader, topics.LABELS)]
    reader.close()
    return [label for label in found if label["customer_id"] == customer_id]


def test_alert_on_the_log_becomes_a_case_and_its_verdict_a_label_on_the_log(
    kafka: KafkaService,
    running: Running,
    decision: Callable[..., dict[str, Any]],
    alert: Callable[..., dict[str, Any]],
) -> None:
    customer, transaction = f"c-{uuid4().hex[:8]}", f"tx-{uuid4().hex[:8]}"
    feed = running.connect()
    feed.request("GET", "/api/feed")
    stream = feed.getresponse()
    assert stream.status == 200

    log = ConfluentLog(KafkaSettings(bootstrap_servers=kafka.bootstrap_servers))
    for topic, payload in (
        (topics.DECISIONS, decision(transaction, customer, outcome="review", decided_at=int(time.time() * 1000))),
        (topics.ALERTS, alert(transaction, customer)),
    ):
        for _ in range(2):  # the log is at-least-once
            log.publish(topic, customer.encode(), orjson.dumps(payload))
    assert log.flush(30) == 0
    log.close()

    assert next_event(stream, "alert", customer)["reasons"][0]["text"].startswith("7 transactions")
    opened = next_event(stream, "case", customer)
    assert opened["kind"] == "opened"

    detail = running.ask("POST", "/api/cases/next")[1]
    while detail["customer_id"] != customer:  # cases of other tests on the same broker
        path = f"/api/cases/{detail['case_id']}/verdict"
        running.ask("POST", path, {"verdict": "legitimate", "version": detail["version"]})
        detail = running.ask("POST", "/api/cases/next")[1]
    verdict = {"verdict": "fraud", "version": detail["version"]}
    status, closed = running.ask("POST", f"/api/cases/{detail['case_id']}/verdict", verdict)
    assert (status, closed["status"]) == (200, "closed")
    label = wait_for(lambda: labels_of(kafka, customer), "the label")[0]
    assert (label["transaction_id"], label["is_fraud"], label["source"]) == (transaction, True, "officer")

    figures = running.ask("GET", "/api/figures")[1]
    assert figures["review"] >= 1
    assert figures["p50_latency_ms"] is not None

    running.dashboard.send_signal(signal.SIGTERM)
    stopped_at = time.monotonic()
    assert running.dashboard.wait(timeout=30) == 0
    assert time.monotonic() - stopped_at < 9, "an open feed held the server up"
    feed.close()
