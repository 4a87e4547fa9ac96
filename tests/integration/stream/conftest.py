"""A stack with the streaming job in it, apart from the shared one: the job's topics have fixed names."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from ci_cd_testing_deployment.local.stack import LocalStack
from tests.fixtures.models import write_small_model
from tests.fixtures.services import skipped_without_programs
from tests.fixtures.stream import StreamBench


@pytest.fixture
def stream_bench(monkeypatch: pytest.MonkeyPatch) -> Iterator[StreamBench]:
    """Kafka, Redis and PostgreSQL with topics and a model; the job is started by the test."""
    monkeypatch.setenv("FRAUD_INGEST_ENFORCE_TIME_BOUNDS", "false")
    monkeypatch.setenv("FRAUD_STREAM_MAX_OFFSETS_PER_TRIGGER", "1000")  # constant, so that every run cuts alike
    # Under /tmp, because PostgreSQL may run as a user of its own.
    run_dir = Path(tempfile.mkdtemp(prefix="fraudstream-stream-", dir="/tmp"))
    run_dir.chmod(0o755)
    try:
        with skipped_without_programs(), LocalStack(run_dir) as stack:
            stack.up(["kafka", "redis", "postgres"])
            write_small_model(stack.place.models)
            yield StreamBench(stack)
    finally:
        shutil.rmtree(run_dir, ignore_errors=True)
