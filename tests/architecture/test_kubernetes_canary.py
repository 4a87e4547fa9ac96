"""What a canary is judged by tells a good version from a bad one: Prometheus' own tool plays both through the queries."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from ci_cd_testing_deployment.kubernetes.test_cluster.place import WORK
from tests.architecture.tree import read

CANARY = Path("ci_cd_testing_deployment/kubernetes/components/canary")
PROMTOOL = shutil.which("promtool") or next(map(str, WORK.glob("debian/prometheus/usr/bin/promtool")), None)
needs_promtool = pytest.mark.skipif(
    PROMTOOL is None, reason="promtool, which judges queries, is missing: apt-get install prometheus"
)
TEMPLATES = {doc["metadata"]["name"]: doc["spec"] for doc in yaml.safe_load_all(read(CANARY / "metrics.yaml"))}
ANALYSIS = yaml.safe_load(read(CANARY / "canary.yaml"))["spec"]["analysis"]
METRICS = {metric["templateRef"]["name"]: metric for metric in ANALYSIS["metrics"]}

TRIED, OTHERS = "decision-api-7d9f8b6c5-x2x9z", "decision-api-primary-5f6b8d9c7-kq4tm"


def query(name: str) -> str:
    """A template's query as Flagger fills it in."""
    text: str = TEMPLATES[name]["query"]
    values = {"namespace": "fraudstream", "service": "decision-api", "target": "decision-api"}
    for field, value in {**values, "interval": METRICS[name]["interval"]}.items():
        text = text.replace(f"{{{{ {field} }}}}", value)
    assert "{{" not in text
    return text.strip()


def gateway(metric: str, version: str, labels: str) -> str:
    route = "httproute-fraudstream-decision-api-gw-fraudstream-fraudstream-ep-websecure-0"
    return f'{metric}{{service="{route}-svc-fraudstream-decision-api-{version}-80@kubernetesgateway",{labels}}}'


def answers(version: str, code: int) -> str:
    return gateway("traefik_service_requests_total", version, f'code="{code}"')


def within(version: str, bound: str) -> str:
    return gateway("traefik_service_request_duration_seconds_bucket", version, f'le="{bound}"')


def decisions(pod: str, outcome: str) -> str:
    return f'fraud_api_decisions_total{{namespace="fraudstream",pod="{pod}",outcome="{outcome}"}}'


# By minute. The version that serves the others fails often and declines a tenth.
PRIMARY = {
    answers("primary", 200): 500,
    answers("primary", 503): 500,
    within("primary", "0.1"): 0,
    within("primary", "5"): 1_000,
    within("primary", "+Inf"): 1_000,
    decisions(OTHERS, "approve"): 900,
    decisions(OTHERS, "decline"): 100,
}
GOOD = {
    answers("canary", 200): 600,
    within("canary", "0.1"): 600,
    within("canary", "5"): 600,
    within("canary", "+Inf"): 600,
    decisions(TRIED, "approve"): 540,
    decisions(TRIED, "decline"): 60,
}


def evaluated(folder: Path, name: str, by_minute: Mapping[str, int], expected: list[float]) -> str:
    """Empty where the query gives these values after some minutes, else what promtool says."""
    test: Any = {
        "rule_files": [],
        "evaluation_interval": "15s",
        "tests": [
            {
                "interval": "15s",
                "input_series": [
                    {"series": series, "values": f"0+{count / 4}x40"} for series, count in by_minute.items()
                ],
                "promql_expr_test": [
                    {
                        "expr": f"round({query(name)}, 0.001)",
                        "eval_time": "8m",
                        "exp_samples": [{"labels": "{}", "value": value} for value in expected],
                    }
                ],
            }
        ],
    }
    path = folder / "story.yaml"
    path.write_text(yaml.safe_dump(test))
    assert PROMTOOL is not None
    done = subprocess.run([PROMTOOL, "test", "rules", path], capture_output=True, text=True, check=False, timeout=60)
    return "" if done.returncode == 0 else done.stdout + done.stderr


def passes(name: str, value: float) -> bool:
    bounds = METRICS[name]["thresholdRange"]
    return bool(bounds.get("min", value) <= value <= bounds.get("max", value))


@needs_promtool
@pytest.mark.parametrize(
    ("name", "value"), [("answered", 100), ("latency-p99", 0.099), ("decline-rate", 0), ("alert-volume", 0)]
)
def test_a_good_version_passes_beside_a_bad_one(tmp_path: Path, name: str, value: float) -> None:
    assert evaluated(tmp_path, name, PRIMARY | GOOD, [value]) == ""
    assert passes(name, value)


@needs_promtool
@pytest.mark.parametrize(
    ("name", "differs", "value"),
    [
        ("answered", {answers("canary", 500): 200}, 75),
        ("latency-p99", {within("canary", "0.1"): 300}, 4.902),
        ("decline-rate", {decisions(TRIED, "decline"): 240}, 20.769),
        ("decline-rate", {decisions(TRIED, "decline"): 0}, -10),
        ("alert-volume", {decisions(TRIED, "review"): 200}, 22.5),
    ],
)
def test_a_bad_version_is_stopped(tmp_path: Path, name: str, differs: dict[str, int], value: float) -> None:
    assert evaluated(tmp_path, name, PRIMARY | GOOD | differs, [value]) == ""
    assert not passes(name, value)


@needs_promtool
@pytest.mark.parametrize("name", TEMPLATES)
def test_a_version_that_nobody_asked_has_no_value(tmp_path: Path, name: str) -> None:
    assert evaluated(tmp_path, name, PRIMARY, []) == ""


def test_every_template_is_looked_at() -> None:
    assert METRICS.keys() == TEMPLATES.keys()


def test_a_bad_version_is_back_within_three_intervals() -> None:
    """Flagger goes back at the look after the one that fills the threshold."""
    assert ANALYSIS["threshold"] + 1 <= 3
