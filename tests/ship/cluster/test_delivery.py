"""Flagger promotes what works and takes back what does not, by itself, while requests come in."""

from __future__ import annotations

import time
from typing import Any

import pytest

from ci_cd_testing_deployment.kubernetes.test_cluster.kubectl import get
from ci_cd_testing_deployment.kubernetes.test_cluster.tools import wait_until
from tests.ship.cluster import echo
from tests.ship.cluster.traffic import Steady

pytestmark = [pytest.mark.usefixtures("node"), pytest.mark.timeout(600)]

HOST = "delivered.test"
RATE_PER_S = 200
INTERVAL_S = 10
"""The shortest that Flagger takes."""
STEPS = (10, 30, 60)

_OF_CANARY = 'service=~".*-svc-{{ namespace }}-{{ service }}-canary-[0-9]+@.*"'
_WINDOW = "[{{ interval }}]"
_GOOD = f'traefik_service_requests_total{{{_OF_CANARY},code!~"5.."}}{_WINDOW}'
_ALL = f"traefik_service_requests_total{{{_OF_CANARY}}}{_WINDOW}"
SUCCESS = f"100 * sum(rate({_GOOD})) / sum(rate({_ALL}))"


def canary(namespace: str) -> tuple[dict[str, Any], dict[str, Any]]:
    metric = {
        "apiVersion": "flagger.app/v1beta1",
        "kind": "MetricTemplate",
        "metadata": echo.metadata("success", namespace),
        "spec": {
            "provider": {"type": "prometheus", "address": "http://prometheus-operated.monitoring:9090"},
            "query": SUCCESS,
        },
    }
    spec = {
        "provider": "gatewayapi:v1",
        "targetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "api"},
        "progressDeadlineSeconds": 60,
        "service": {
            "port": 80,
            "targetPort": "http",
            "hosts": [HOST],
            "gatewayRefs": [
                {"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "test", "namespace": "gateway"}
            ],
        },
        "analysis": {
            "interval": f"{INTERVAL_S}s",
            "threshold": 1,
            "stepWeights": list(STEPS),
            "metrics": [
                {
                    "name": "success",
                    "templateRef": {"name": "success", "namespace": namespace},
                    "thresholdRange": {"min": 99},
                    "interval": f"{INTERVAL_S}s",
                }
            ],
        },
    }
    kind = {"apiVersion": "flagger.app/v1beta1", "kind": "Canary"}
    return metric, {**kind, "metadata": echo.metadata("api", namespace), "spec": spec}


def phase(namespace: str) -> str:
    return str(get("canary", "api", f"--namespace={namespace}").get("status", {}).get("phase"))


def weights(namespace: str) -> dict[str, int]:
    route = get("httproute", "api", f"--namespace={namespace}")
    return {to["name"]: to["weight"] for to in route["spec"]["rules"][0]["backendRefs"]}


@pytest.fixture(scope="module")
def namespace(restricted_namespace: str) -> str:
    echo.apply(echo.deployment(restricted_namespace, "api", "1", replicas=2), *canary(restricted_namespace))
    wait_until(lambda: phase(restricted_namespace) == "Initialized", "the first version is in place", 120, step_s=1)
    return restricted_namespace


def test_a_good_version_is_promoted_and_no_request_fails(namespace: str, figures: dict[str, object]) -> None:
    began = time.monotonic()
    with Steady(HOST, RATE_PER_S) as traffic:
        echo.apply(echo.deployment(namespace, "api", "2", replicas=2))
        wait_until(lambda: phase(namespace) == "Progressing", "the roll-out has begun", 60, step_s=1)
        wait_until(lambda: phase(namespace) == "Succeeded", "the good version is promoted", 240, step_s=1)
        promoted_s = time.monotonic() - began
    figures["promotion_s"] = round(promoted_s, 1)
    figures["promotion_requests"] = traffic.answers.total
    figures["promotion_failed"] = traffic.answers.failed
    assert traffic.answers.counts["2"] > 0
    assert traffic.answers.failed == 0, traffic.answers.counts
    assert traffic.answers.total > 0.9 * RATE_PER_S * promoted_s
    assert weights(namespace) == {"api-primary": 100, "api-canary": 0}


def test_a_bad_version_is_taken_back(namespace: str, figures: dict[str, object]) -> None:
    with Steady(HOST, RATE_PER_S) as traffic:
        echo.apply(echo.deployment(namespace, "api", "3", replicas=2, fail_every=1))
        wait_until(lambda: weights(namespace)["api-canary"] > 0, "requests reach the bad version", 120, step_s=0.2)
        reached = time.monotonic()
        before = traffic.answers.total
        wait_until(lambda: weights(namespace)["api-canary"] == 0, "the bad version gets nothing", 120, step_s=0.2)
        back_s = time.monotonic() - reached
        asked = traffic.answers.total - before
        wait_until(lambda: phase(namespace) == "Failed", "the roll-out has failed", 60, step_s=1)
    figures["bad_version_back_s"] = round(back_s, 1)
    figures["bad_version_requests"] = asked
    figures["bad_version_failed"] = traffic.answers.failed
    assert back_s <= 3 * INTERVAL_S
    assert 0 < traffic.answers.failed <= asked * (STEPS[0] + 1) / 100
    assert weights(namespace) == {"api-primary": 100, "api-canary": 0}
