"""Kafka and Redis apart from the shared ones: the topics of the flow have fixed names."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ci_cd_testing_deployment.local.stack import LocalStack
from tests.fixtures.models import write_small_model
from tests.fixtures.services import guarded_run_dir, skipped_without_programs
from tests.fixtures.stream import StreamBench


@pytest.fixture
def skew_bench(monkeypatch: pytest.MonkeyPatch) -> Iterator[StreamBench]:
    """Servers with topics, a model, and their settings in the environment. Bounds on time are off."""
    monkeypatch.setenv("FRAUD_INGEST_ENFORCE_TIME_BOUNDS", "false")
    stack = LocalStack(guarded_run_dir("skew"))
    with skipped_without_programs(), stack:
        stack.up(["kafka", "redis"])
        write_small_model(stack.place.models)
        for name, value in stack.settings().items():
            monkeypatch.setenv(name, value)
        yield StreamBench(stack)
