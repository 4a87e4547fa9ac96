"""A whole stack for the comparison: the stream and the decision API on the same log and state."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Iterator
from typing import Any, Final
from uuid import uuid4

import pytest

from ci_cd_testing_deployment.local.service import Service
from ci_cd_testing_deployment.local.stack import SERVICES, LocalStack
from tests.fixtures.models import write_small_model
from tests.fixtures.redis_cluster import NODES, start_cluster
from tests.fixtures.services import guarded_run_dir, skipped_without_programs
from tests.fixtures.stream import StreamBench

_RUNS: Final = pytest.StashKey[list[dict[str, Any]]]()


@pytest.fixture
def report(request: pytest.FixtureRequest) -> Callable[[dict[str, Any]], None]:
    """Takes the figures of a comparison."""
    return request.config.stash.setdefault(_RUNS, []).append


def pytest_unconfigure(config: pytest.Config) -> None:
    """All comparisons together, as the last line."""
    runs = config.stash.get(_RUNS, [])
    if runs:
        whole = {name: sum(run[name] for run in runs) for name in ("events", "compared", "restarts", "over_http")}
        worst = {name: max(run[name] for run in runs) for name in ("features", "max_abs_diff")}
        sys.stdout.write(f"{json.dumps({**whole, **worst, 'runs': runs})}\n")


@pytest.fixture
def runner(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Who does the stream's plans."""
    monkeypatch.setenv("FRAUD_STREAM_RUNNER", request.param)
    return str(request.param)


@pytest.fixture
def servers(request: pytest.FixtureRequest) -> tuple[Service, ...]:
    """Everything, with one Redis or a cluster."""
    return SERVICES if request.param == "server" else (*(s for s in SERVICES if s.name != "redis"), *NODES)


@pytest.fixture
def parity_bench(runner: str, servers: tuple[Service, ...], monkeypatch: pytest.MonkeyPatch) -> Iterator[StreamBench]:  # noqa: ARG001 — set first
    """Stream and decision API, ready, on a log of their own. Bounds on time are off: the events have their own times."""
    monkeypatch.setenv("FRAUD_INGEST_ENFORCE_TIME_BOUNDS", "false")
    monkeypatch.setenv("FRAUD_STREAM_MAX_OFFSETS_PER_TRIGGER", "4000")  # many plans, so that a kill falls among them
    run_dir = guarded_run_dir("parity") / uuid4().hex[:8]
    stack = LocalStack(run_dir, services=servers)
    stack.place.make()
    write_small_model(stack.place.models)
    try:
        with skipped_without_programs(), stack:
            if NODES[0] in servers:
                start_cluster(stack)
            stack.up(["stream", "decision-api"])
            bench = StreamBench(stack)
            yield bench
            bench.close()
    finally:
        shutil.rmtree(run_dir, ignore_errors=True)
