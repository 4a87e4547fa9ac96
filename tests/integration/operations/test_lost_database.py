"""The database is lost with what came after the last backup: the sinks read that again from the log."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import orjson

from config import ROOT, KafkaSettings
from fraud_prevention.domain import topics
from storage_security.kafka.admin import ensure_topics
from storage_security.kafka.confluent_log import ConfluentLog
from storage_security.postgres.migrate import upgrade
from tests.fixtures.services import KafkaService, PostgresService
from tests.integration.cases.conftest import decision
from tests.integration.operations.conftest import Backup, execute

__all__ = ["decision"]

WAIT_S = 60.0


def wait_for(condition: Callable[[], bool], what: str) -> None:
    """Poll until the condition holds; fails after `WAIT_S`."""
    deadline = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < deadline, f"waited {WAIT_S:.0f} s for {what}"
        time.sleep(0.05)


@contextmanager
def sink(kafka: KafkaService, dsn: str, redis_url: str, ready: Path) -> Iterator[None]:
    """A sink that works on the database while the block runs."""
    environment = {
        **os.environ,
        "FRAUD_KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap_servers,
        "FRAUD_POSTGRES_DSN": dsn,
        "FRAUD_REDIS_URL": redis_url,
        "FRAUD_READY_FILE": str(ready),
    }
    process = subprocess.Popen([sys.executable, "-m", "storage_security.sink"], env=environment, cwd=ROOT)
    try:
        yield
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) == 0
    finally:
        process.kill()
        process.wait(timeout=10)


def test_what_came_after_the_backup_comes_again_from_the_log(
    kafka: KafkaService,
    postgres_server: PostgresService,
    redis_url: str,
    backup: Backup,
    tmp_path: Path,
    decision: Callable[..., dict[str, Any]],
) -> None:
    ensure_topics(kafka.bootstrap_servers, partitions=3)
    log = ConfluentLog(KafkaSettings(bootstrap_servers=kafka.bootstrap_servers))
    run, backups = uuid4().hex[:8], tmp_path / "backups"
    backups.mkdir()
    lost, again = postgres_server.new_database(), postgres_server.new_database()
    upgrade(lost)

    def send(first: int, last: int) -> None:
        for number in range(first, last):
            payload = decision(f"{run}-{number}", f"{run}-c{number % 7}")
            log.publish(topics.DECISIONS, payload["customer_id"].encode(), orjson.dumps(payload))
        assert log.flush(30) == 0

    def written(dsn: str) -> list[tuple[object, ...]]:
        return execute(dsn, f"SELECT d::text FROM decisions d WHERE transaction_id LIKE '{run}-%' ORDER BY 1")  # noqa: S608 - a name made here

    with sink(kafka, lost, redis_url, tmp_path / "ready"):
        send(0, 300)
        wait_for(lambda: len(written(lost)) == 300, "the decisions before the backup")
        assert backup(lost, "make", backups).returncode == 0
        send(300, 500)
        wait_for(lambda: len(written(lost)) == 500, "the decisions after the backup")
    log.close()
    before = written(lost)
    postgres_server.drop_database(lost)
    assert backup(again, "restore", next(backups.iterdir())).returncode == 0
    assert len(written(again)) == 300
    with sink(kafka, again, redis_url, tmp_path / "ready"):
        wait_for(lambda: len(written(again)) == 500, "the rest from the log")
    assert written(again) == before
