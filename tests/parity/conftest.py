"""A whole stack for the comparison: the stream and the decision API on the same log and state."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from uuid import uuid4

import pytest

from ci_cd_testing_deployment.local.stack import LocalStack
from tests.fixtures.models import write_small_model
from tests.fixtures.services import guarded_run_dir, skipped_without_programs
from tests.fixtures.stream import StreamBench


@pytest.fixture
def runner(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Who does the stream's plans."""
    monkeypatch.setenv("FRAUD_STREAM_RUNNER", request.param)
    return str(request.param)


@pytest.fixture
def parity_bench(runner: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[StreamBench]:  # noqa: ARG001 — set first
    """Stream and decision API, ready, on a log of their own. Bounds on time are off: the events have their own times."""
    monkeypatch.setenv("FRAUD_INGEST_ENFORCE_TIME_BOUNDS", "false")
    run_dir = guarded_run_dir("parity") / uuid4().hex[:8]
    stack = LocalStack(run_dir)
    stack.place.make()
    write_small_model(stack.place.models)
    try:
        with skipped_without_programs(), stack:
            stack.up(["stream", "decision-api"])
            yield StreamBench(stack)
    finally:
        shutil.rmtree(run_dir, ignore_errors=True)
