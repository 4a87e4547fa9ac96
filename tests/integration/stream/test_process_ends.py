"""The stream on real Kafka and Redis, in a process that is killed after some call: another one leaves it as if nothing were.

`make test-faults` does more of it, by the variables below.
"""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import sys
from typing import Any

import psutil
import pytest

from fraud_prevention.domain.topics import ALERTS, AUTHORISATIONS, DECISIONS, FEATURES, LABELS, TRANSACTIONS
from tests.fixtures.stream import StreamBench
from tests.fixtures.stream_runs import feed

COUNT = int(os.environ.get("TEST_FAULT_EVENTS", "2000"))
KILLS = int(os.environ.get("TEST_FAULT_KILLS", "20"))
PAUSES = int(os.environ.get("TEST_FAULT_PAUSES", "1"))
OUTPUTS = (DECISIONS, FEATURES, ALERTS)


def _live(stream_bench: StreamBench, at: int) -> int:
    """One process; the number of its calls, or 0 where it was killed after the call `at`."""
    argv = [sys.executable, "-m", "tests.fixtures.stream_process", str(at)]
    env = {**os.environ, **stream_bench.stack.settings()}
    done = subprocess.run(argv, env=env, capture_output=True, text=True, timeout=120, check=False)
    if done.returncode == -signal.SIGKILL:
        return 0
    assert done.returncode == 0, done.stderr[-3_000:]
    calls = re.search(r"calls=(\d+)", done.stdout)
    assert calls is not None, done.stdout[-3_000:]
    return int(calls[1])


def _read(stream_bench: StreamBench) -> dict[str, dict[str, list[dict[str, Any]]]]:
    """Distinct contents of each record."""
    found: dict[str, dict[str, list[dict[str, Any]]]] = {}
    for topic in OUTPUTS:
        contents = found[topic] = {}
        for name, records in stream_bench.read(topic).items():
            for record in records:
                record.pop("meta", None)
            contents[name] = [record for i, record in enumerate(records) if record not in records[:i]]
    return found


def _fill(stream_bench: StreamBench) -> None:
    log = feed(COUNT, seed=31)
    for topic in (TRANSACTIONS, LABELS, AUTHORISATIONS):
        rows = [m for (where, _), held in log.held.items() if where == topic for m in held]
        stream_bench.send(((m.key().decode(), m.value() or b"") for m in rows), topic)


@pytest.mark.timeout(3_600)
def test_a_process_may_be_killed_after_any_call(stream_bench: StreamBench) -> None:
    _fill(stream_bench)
    calls = _live(stream_bench, 0)
    state, calm = stream_bench.state(), _read(stream_bench)
    assert len(calm[DECISIONS]) == COUNT

    def assert_as_calm() -> None:
        assert stream_bench.state() == state
        assert _read(stream_bench) == calm

    assert all(len(records) == 1 for topic in OUTPUTS for records in calm[topic].values())
    stream_bench.forget()
    rng = random.Random()
    for _ in range(KILLS):
        if _live(stream_bench, rng.randrange(1, calls // 3)):  # the end of the log came first
            assert_as_calm()
            stream_bench.forget()
    assert _live(stream_bench, 0)
    assert_as_calm()


@pytest.mark.timeout(3_600)
def test_a_process_that_was_paused_and_overtaken_changes_nothing_when_it_is_woken(stream_bench: StreamBench) -> None:
    _fill(stream_bench)
    calls = _live(stream_bench, 0)
    state, calm = stream_bench.state(), _read(stream_bench)
    rng = random.Random()
    for _ in range(PAUSES):
        stream_bench.forget()
        argv = [
            sys.executable,
            "-m",
            "tests.fixtures.stream_process",
            str(rng.randrange(calls // 5, calls // 2)),
            "pauses",
        ]
        env = {**os.environ, **stream_bench.stack.settings()}
        with subprocess.Popen(argv, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as paused:
            process = psutil.Process(paused.pid)
            stream_bench.wait_until(lambda of=process: of.status() == psutil.STATUS_STOPPED, "the pause")  # type: ignore[misc]  # a lambda with a default
            assert _live(stream_bench, 0), "another one takes over and comes to the end"
            process.resume()
            _, said = paused.communicate(timeout=120)
            assert paused.returncode == 1
            # Unavailable: what it had queued before the pause is too old to be sent.
            assert re.search("PlanLost|StateFenced|Unavailable", said), said[-3_000:]
        assert stream_bench.state() == state
        assert _read(stream_bench) == calm
