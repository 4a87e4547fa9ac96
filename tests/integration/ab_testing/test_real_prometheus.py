"""A real Prometheus scrapes the product's own metrics of two versions; the controller reads and judges them."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from ci_cd_testing_deployment.ab_testing.evidence import Interval
from ci_cd_testing_deployment.ab_testing.history import Stage
from ci_cd_testing_deployment.ab_testing.prometheus import PrometheusEvidence
from ci_cd_testing_deployment.ab_testing.verdict import Advice, Judge
from ci_cd_testing_deployment.local.ports import choose
from config import ROOT
from fraud_prevention.api.metrics import ApiMetrics

WAIT_S = 30.0
INTERVAL_S = 2


class Pod:
    """What one version answers: every `fail_every`-th request fails, every tenth decision declines."""

    def __init__(self, fail_every: int) -> None:
        self.metrics = ApiMetrics()
        self.fail_every = fail_every
        self.requests = 0
        pod = self

        class Exposition(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = pod.metrics.exposition()
                self.send_response(200)
                self.send_header("Content-Type", pod.metrics.content_type)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Exposition)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def answer(self) -> None:
        self.requests += 1
        is_failing = self.requests % self.fail_every == 0
        self.metrics.answered("/v1/decisions", 503 if is_failing else 200, 0.02)
        self.metrics.answered("/readyz", 200, 0.4)  # is no decision, and must not count as a late one
        if not is_failing:
            outcome = "decline" if self.requests % 10 == 0 else "approve"
            self.metrics.decided({"outcome": outcome, "degraded": []}, is_late=False)


@pytest.fixture
def pods() -> Iterator[dict[str, Pod]]:
    found = {"a": Pod(fail_every=1_000), "b": Pod(fail_every=3)}
    yield found
    for pod in found.values():
        pod.server.shutdown()
        pod.server.server_close()


def find_prometheus() -> str:
    cache = ROOT / os.environ.get("FRAUD_SHIP_CACHE", ".cache/ship")
    found = shutil.which("prometheus", path=f"{os.environ['PATH']}{os.pathsep}{cache / 'bin'}")
    if found is None:
        pytest.skip("Prometheus was not found; install it (Debian, Ubuntu: `apt-get install prometheus`)")
    return found


@pytest.fixture
def prometheus(pods: dict[str, Pod], tmp_path: Path) -> Iterator[str]:
    """The address of a Prometheus that scrapes both pods four times a second."""
    targets = "".join(
        f"    - {{targets: ['127.0.0.1:{pod.server.server_address[1]}'], "
        f"labels: {{version: {version}, namespace: fraudstream}}}}\n"
        for version, pod in pods.items()
    )
    configuration = tmp_path / "prometheus.yaml"
    configuration.write_text(
        f"global: {{scrape_interval: 250ms}}\nscrape_configs:\n- job_name: api\n  static_configs:\n{targets}"
    )
    address = f"127.0.0.1:{choose(())}"
    argv = [find_prometheus(), f"--config.file={configuration}", f"--storage.tsdb.path={tmp_path / 'data'}"]
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen([*argv, f"--web.listen-address={address}"], stdout=log, stderr=log)
        try:
            wait_for(lambda: is_ready(f"http://{address}/-/ready"), "Prometheus")
            yield f"http://{address}"
        finally:
            process.terminate()
            process.wait(timeout=10)


def is_ready(url: str) -> bool:
    try:
        with urlopen(url, timeout=2) as answer:  # noqa: S310 - an address of this test
            return bool(answer.status == 200)
    except URLError:
        return False


def wait_for(condition: Callable[[], bool], what: str) -> None:
    """Poll until the condition holds; fails after `WAIT_S`."""
    deadline = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < deadline, f"waited {WAIT_S:.0f} s for {what}"
        time.sleep(0.02)


def test_a_failing_version_is_read_from_prometheus_and_rolled_back(prometheus: str, pods: dict[str, Pod]) -> None:
    evidence = PrometheusEvidence(prometheus, 'namespace="fraudstream"', INTERVAL_S)
    judge, since_s = Judge(requests_at_least=20), int(time.time())
    seen: list[Interval] = []

    def has_advised_rollback() -> bool:
        """One more round of traffic, nine to one; then a look, as the controller's."""
        for number in range(10):
            pods["b" if number == 0 else "a"].answer()
        seen[:] = evidence.intervals(since_s, int(time.time()))
        return judge.verdict((Stage(since_s, 10),), seen).advice is Advice.ROLLBACK

    wait_for(has_advised_rollback, "the advice to roll back")
    total = judge.verdict((Stage(since_s, 10),), seen).findings
    by_name = {finding.rail.name: finding for finding in total}
    assert by_name["errors"].is_breached
    assert by_name["errors"].total.bad_b / by_name["errors"].total.all_b == pytest.approx(1 / 3, abs=0.1)
    assert by_name["latency"].total.bad_a == by_name["latency"].total.bad_b == 0
    assert by_name["declines"].total.bad_a / by_name["declines"].total.all_a == pytest.approx(0.1, abs=0.02)
    assert seen[-1].p99_s["a"] == pytest.approx(0.02, abs=0.01)


def test_pods_of_another_namespace_are_not_read(prometheus: str, pods: dict[str, Pod]) -> None:
    since_s = int(time.time())
    mine = PrometheusEvidence(prometheus, 'namespace="fraudstream"', INTERVAL_S)
    others = PrometheusEvidence(prometheus, 'namespace="elsewhere"', INTERVAL_S)

    def is_seen() -> bool:
        pods["a"].answer()
        return any(i.pairs["errors"].all_a for i in mine.intervals(since_s, int(time.time())))

    wait_for(is_seen, "the first interval")
    assert not any(i.pairs["errors"].all_a for i in others.intervals(since_s, int(time.time())))
