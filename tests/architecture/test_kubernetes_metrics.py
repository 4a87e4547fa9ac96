"""Rules, dashboards and checks of roll-outs ask for figures that somebody measures."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest

from fraud_prevention.domain.metrics import METRICS
from tests.architecture.manifests import Manifest, needs_kubectl, of_kind, rendered

pytestmark = needs_kubectl

_SUFFIXES = {"histogram": ("_bucket", "_sum", "_count"), "counter": ("",), "gauge": ("",)}
OURS = {metric.name + suffix for metric in METRICS for suffix in _SUFFIXES[metric.kind]}
FOREIGN = {
    "kafka_consumergroup_current_offset": "kafka-exporter",
    "kafka_consumergroup_lag": "kafka-exporter",
    "kafka_topic_partition_current_offset": "kafka-exporter",
    "kube_cronjob_status_last_successful_time": "kube-state-metrics",
    "kube_job_status_failed": "kube-state-metrics",
    "kube_pod_container_status_restarts_total": "kube-state-metrics",
    "kubelet_volume_stats_available_bytes": "the kubelet",
    "kubelet_volume_stats_capacity_bytes": "the kubelet",
    "traefik_service_request_duration_seconds_bucket": "Traefik",
    "traefik_service_requests_total": "Traefik",
    "up": "Prometheus",
}
"""Figures of other programs, and whose they are."""


def groups() -> list[Manifest]:
    return [group for rule in of_kind(rendered("production"), "PrometheusRule") for group in rule["spec"]["groups"]]


def rules() -> Iterator[Manifest]:
    return (rule for group in groups() for rule in group["rules"])


def dashboard() -> Manifest:
    (found,) = (
        m for m in of_kind(rendered("production"), "ConfigMap") if m["metadata"]["name"] == "fraudstream-dashboard"
    )
    panels: Manifest = json.loads(found["data"]["dashboard.json"])
    return panels


def queries() -> Iterator[tuple[str, str]]:
    """Every query, and where it stands."""
    yield from ((rule.get("alert") or rule["record"], rule["expr"]) for rule in rules())
    yield from ((panel["title"], target["expr"]) for panel in dashboard()["panels"] for target in panel["targets"])
    yield from ((m["metadata"]["name"], m["spec"]["query"]) for m in of_kind(rendered("production"), "MetricTemplate"))


def asked(query: str) -> set[str]:
    """Names of metrics in a query: words that are no function, keyword, label or number."""
    bare = re.sub(r"\{\{[^}]*\}\}", "x", query)
    bare = re.sub(r'"(?:[^"\\]|\\.)*"', "", bare)
    bare = re.sub(r"\b(?:by|without|on|ignoring)\s*\([^)]*\)", " ", bare)
    bare = re.sub(r"\{[^}]*\}|\[[^\]]*\]|\boffset\s+\w+", " ", bare)
    words = re.findall(r"(?<![\w:$.])([a-zA-Z_][\w:]*)(?!\s*\()(?![\w:])", bare)
    return set(words) - {"and", "or", "unless", "bool"}


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ('sum by (le) (rate(a_total{b="c"}[5m])) / x:y:ratio_5m', {"a_total", "x:y:ratio_5m"}),
        ('a{b=~"c|d"} > 2 * b offset 1w and absent(up{job="e"} == 1)', {"a", "b", "up"}),
        ("(sum(rate(a[{{ interval }}])) or on() vector(0))", {"a"}),
        ("time() - max(a) > 26 * 3600", {"a"}),
    ],
)
def test_names_of_a_query_are_found(query: str, names: set[str]) -> None:
    assert asked(query) == names


def test_every_figure_that_is_asked_for_is_measured() -> None:
    recorded = {rule["record"] for rule in rules() if "record" in rule}
    unknown = {(where, name) for where, query in queries() for name in asked(query) - OURS - recorded - set(FOREIGN)}
    assert unknown == set()


def test_no_figure_is_listed_for_nothing() -> None:
    wanted = {name for _, query in queries() for name in asked(query)}
    recorded = {rule["record"] for rule in rules() if "record" in rule}
    assert set(FOREIGN) - wanted == set()
    # The one that an autoscaler reads.
    assert recorded - wanted == {"fraud_api:request_seconds:p99"}


def test_alerts_say_how_urgent_they_are_and_where_to_read_on() -> None:
    for rule in (rule for rule in rules() if "alert" in rule):
        assert rule["labels"]["severity"] in ("page", "ticket"), rule["alert"]
        assert rule["annotations"]["summary"], rule["alert"]
        assert rule["annotations"]["runbook"] == "docs/operations.md", rule["alert"]
