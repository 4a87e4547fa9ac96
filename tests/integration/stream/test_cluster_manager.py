"""The stream on a cluster of Spark's own manager, whose executors are processes of two workers."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pyspark
import pytest

from ci_cd_testing_deployment.local import ports
from config import ROOT
from fraud_prevention.domain.topics import DECISIONS, FEATURES
from tests.fixtures.stream import StreamBench
from tests.fixtures.stream_runs import feed

COUNT = 3_000
_DEPLOY = "org.apache.spark.deploy"


@pytest.fixture
def master(stream_bench: StreamBench, monkeypatch: pytest.MonkeyPatch) -> str:
    """The address of a master with two workers of one core each."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join((str(ROOT), str(ROOT / "data-pipeline"))))
    monkeypatch.setenv("PYSPARK_PYTHON", sys.executable)
    monkeypatch.setenv("SPARK_LOCAL_IP", ports.LOOPBACK)
    monkeypatch.setenv("SPARK_DAEMON_MEMORY", "256m")
    monkeypatch.setenv("SPARK_DAEMON_JAVA_OPTS", "-Dspark.master.rest.enabled=false")  # its port is a fixed one
    port = ports.choose(())
    address = f"spark://{ports.LOOPBACK}:{port}"
    start = str(Path(pyspark.__file__).parent / "bin" / "spark-class")
    quiet = ["--host", ports.LOOPBACK, "--webui-port", "0"]
    stack = stream_bench.stack
    stack.start_beside("spark-master", [start, f"{_DEPLOY}.master.Master", *quiet, "--port", str(port)])
    stream_bench.wait_until(lambda: ports.is_open(port), "the master")
    for number in (1, 2):
        size = ["--cores", "1", "--memory", "1g", "--work-dir", str(stack.place.run_dir / f"spark-{number}")]
        stack.start_beside(f"spark-worker-{number}", [start, f"{_DEPLOY}.worker.Worker", *quiet, *size, address])
    return address


def drained(bench: StreamBench) -> tuple[dict[bytes, bytes], dict[str, Any]]:
    """What the stream leaves of the log: its state, and what it has sent."""
    ends = bench.positions().ends()
    bench.start()
    bench.wait_until(lambda: bench.is_committed(ends), "the end of the log")
    bench.kill()
    sent: dict[str, Any] = {}
    for topic in (DECISIONS, FEATURES):
        sent[topic] = bench.read(topic)
        for records in sent[topic].values():
            for record in records:
                record.pop("meta", None)
    return bench.state(), sent


@pytest.mark.timeout(600)
def test_executors_elsewhere_do_what_one_process_does(
    stream_bench: StreamBench, master: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = feed(COUNT, seed=23)
    for (topic, _), rows in log.held.items():
        stream_bench.send(((m.key().decode(), m.value() or b"") for m in rows), topic)
    monkeypatch.setenv("FRAUD_STREAM_MASTER", master)
    state, sent = drained(stream_bench)
    assert len(sent[DECISIONS]) == COUNT
    stream_bench.forget()
    monkeypatch.setenv("FRAUD_STREAM_RUNNER", "lite")
    again, twice = drained(stream_bench)
    assert again == state
    for topic, found in twice.items():
        assert {name: [records[0]] for name, records in found.items()} == sent[topic]
        assert all(records[1:] == records[:1] for records in found.values())
