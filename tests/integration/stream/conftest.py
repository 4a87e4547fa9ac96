"""A stack with the streaming job in it, apart from the shared one: the job's topics have fixed names."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from ci_cd_testing_deployment.local.errors import MissingPrerequisite
from ci_cd_testing_deployment.local.stack import LocalStack
from tests.fixtures.models import write_small_model
from tests.fixtures.stream import StreamBench


@pytest.fixture
def stream_bench(monkeypatch: pytest.MonkeyPatch) -> Iterator[StreamBench]:
    """Kafka, Redis and PostgreSQL with topics and a model; the job is started by the test."""
    monkeypatch.setenv("FRAUD_INGEST_ENFORCE_TIME_BOUNDS", "false")
    monkeypatch.setenv("FRAUD_STREAM_MAX_OFFSETS_PER_TRIGGER", "1500")
    run_dir = Path(
        tempfile.mkdtemp(prefix="fraudstream-stream-", dir="/tmp")
    )  # PostgreSQL may run as a user of its own
    run_dir.chmod(0o755)
    stack = LocalStack(run_dir)
    try:
        with stack:
            stack.up(["kafka", "redis", "postgres"])
            write_small_model(stack.place.models)
            yield StreamBench(stack)
    except MissingPrerequisite as missing:
        pytest.skip(str(missing))
    finally:
        shutil.rmtree(run_dir, ignore_errors=True)
