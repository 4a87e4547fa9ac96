"""What is made of Prometheus's answers. That it understands the queries is tested on a real one."""

from __future__ import annotations

import json
import math
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from ci_cd_testing_deployment.ab_testing.prometheus import PrometheusEvidence
from ci_cd_testing_deployment.ab_testing.statistics import Pair
from fraud_prevention.domain.errors import Unavailable

SERIES: dict[str, list[tuple[str, str, list[float]]]] = {
    "fraud_api_requests_total": [("a", "200", [899.7, 900.4]), ("a", "503", [0.3, 1.2]), ("b", "200", [100.0, 100.0])],
    "fraud_api_request_seconds_bucket": [
        ("a", "0.1", [800.0, 880.0]), ("a", "0.15", [890.0, 900.0]), ("a", "+Inf", [900.0, 901.0]),
        ("b", "0.1", [50.0, 50.0]), ("b", "0.15", [60.0, 60.0]), ("b", "+Inf", [100.0, 100.0]),
    ],
    "fraud_api_decisions_total": [
        ("a", "approve", [870.0, 870.0]), ("a", "decline", [20.0, 21.0]), ("a", "review", [10.0, 10.0]),
    ],
}  # fmt: skip
"""By metric: version, label and the increase at two ends, 60 and 120."""


class Answers(BaseHTTPRequestHandler):
    """Prometheus's answer to a range query of one of the metrics."""

    def do_GET(self) -> None:
        asked = parse_qs(urlsplit(self.path).query)
        metric = next(name for name in SERIES if f"{name}{{" in asked["query"][0])
        label = asked["query"][0].split("version, ")[1].split(")")[0]
        body = json.dumps({"status": "success", "data": {"result": [
            {"metric": {"version": version, label: key}, "values": [[60 + 60 * n, str(v)] for n, v in enumerate(values)]}
            for version, key, values in SERIES[metric]
        ]}}).encode()  # fmt: skip
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def url() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def test_events_are_told_by_version_and_guard_rail(url: str) -> None:
    first, second = PrometheusEvidence(url).intervals(0, 130)
    assert (first.start_s, first.end_s, second.end_s) == (0, 60, 120)
    assert first.pairs == {
        "errors": Pair(900, 0, 100, 0),
        "latency": Pair(900, 10, 100, 40),
        "declines": Pair(900, 20, 0, 0),
        "alerts": Pair(900, 30, 0, 0),
    }
    assert second.pairs["errors"] == Pair(902, 1, 100, 0)


def test_p99_lies_within_its_bucket(url: str) -> None:
    _, second = PrometheusEvidence(url).intervals(0, 120)
    assert second.p99_s["a"] == pytest.approx(0.1 + 0.05 * (0.99 * 901 - 880) / 20)
    assert second.p99_s["b"] == 0.15  # beyond the last bound that is known


def test_a_version_without_traffic_has_no_p99(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SERIES, "fraud_api_request_seconds_bucket", [("a", "+Inf", [0.0, 0.0])])
    assert math.isnan(PrometheusEvidence(url).intervals(0, 60)[0].p99_s["a"])


def test_less_than_an_interval_is_nothing(url: str) -> None:
    assert PrometheusEvidence(url).intervals(0, 59) == []


def test_a_limit_that_is_no_bound_is_refused() -> None:
    with pytest.raises(ValueError, match=r"0.12 s is no bound"):
        PrometheusEvidence("http://127.0.0.1:9", slow_s=0.12)


def test_nobody_there_is_unavailable() -> None:
    with pytest.raises(Unavailable, match="--prometheus URL"):
        PrometheusEvidence("http://127.0.0.1:9").intervals(0, 120)
