"""A whole stack for the comparison: the stream and the decision API on the same log and state."""

from __future__ import annotations

from collections.abc import Iterator

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
    """Stream and decision API, ready. Bounds on time are off: the events have times of their own."""
    monkeypatch.setenv("FRAUD_INGEST_ENFORCE_TIME_BOUNDS", "false")
    stack = LocalStack(guarded_run_dir("parity"))
    stack.place.make()
    write_small_model(stack.place.models)
    with skipped_without_programs(), stack:
        stack.up(["stream", "decision-api"])
        yield StreamBench(stack)
