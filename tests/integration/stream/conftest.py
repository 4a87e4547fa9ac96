"""A stack with the streaming job in it, apart from the shared one, and what runs in this process need."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from ci_cd_testing_deployment.local.stack import LocalStack
from config import RedisSettings
from storage_security.redis import record_store
from tests.fixtures.models import write_small_model
from tests.fixtures.services import redis_of, skipped_without_programs
from tests.fixtures.stream import StreamBench
from tests.fixtures.stream_outcomes import finished
from tests.fixtures.stream_runs import EVENTS, Bundles, MemoryLog, Run, feed


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


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> Bundles:
    """What decides."""
    return Bundles(tmp_path_factory.mktemp("bundles"))


@pytest.fixture(scope="module")
def log() -> MemoryLog:
    """The log of most runs."""
    return feed(EVENTS, seed=5)


@pytest.fixture
def small_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    """Several calls to the server for each write, or no crash could fall between them; nobody waits long in vain."""
    monkeypatch.setattr("data_pipeline.stream.shared_entities.BARRIER_TIMEOUT_S", 5.0)
    monkeypatch.setattr(record_store, "_KEYS_PER_CALL", 40)
    monkeypatch.setattr(record_store, "_KEYS_PER_ROUND", 80)


@pytest.fixture
def store(request: pytest.FixtureRequest) -> RedisSettings:
    """An empty Redis, one server unless a test asks for a cluster."""
    return redis_of(request, getattr(request, "param", "server"))


@pytest.fixture
def calm(bundles: Bundles, log: MemoryLog, store: RedisSettings, small_calls: None) -> Run:  # noqa: ARG001 — set first
    """An undisturbed run."""
    return finished(Run(bundles, log, store))
