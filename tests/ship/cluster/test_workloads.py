"""Kubernetes keeps the promises that the manifests count on: budgets, ways back, scaling."""

from __future__ import annotations

import json
import time

import pytest

from ci_cd_testing_deployment.kubernetes.test_cluster.errors import CommandFailed
from ci_cd_testing_deployment.kubernetes.test_cluster.kubectl import accepts, get, kubectl
from ci_cd_testing_deployment.kubernetes.test_cluster.tools import wait_until
from tests.ship.cluster import echo
from tests.ship.cluster.traffic import Steady

pytestmark = pytest.mark.usefixtures("node")


def evict(namespace: str, pod: str) -> None:
    eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": pod, "namespace": namespace}}
    path = f"/api/v1/namespaces/{namespace}/pods/{pod}/eviction"
    kubectl("create", "--raw", path, "--filename=-", stdin=json.dumps(eviction))


def test_a_budget_refuses_the_eviction_that_would_break_it(restricted_namespace: str) -> None:
    budget = {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": echo.metadata("kept", restricted_namespace),
        "spec": {"minAvailable": 1, "selector": {"matchLabels": {"app": "kept"}}},
    }
    echo.apply(echo.deployment(restricted_namespace, "kept", "1"), budget)
    echo.rolled_out(restricted_namespace, "kept")
    pod = get("pods", f"--namespace={restricted_namespace}", "--selector=app=kept")["items"][0]["metadata"]["name"]
    with pytest.raises(CommandFailed, match="disruption budget"):
        evict(restricted_namespace, pod)


def test_a_roll_out_goes_back(restricted_namespace: str) -> None:
    def answers() -> str:
        return echo.get_from(restricted_namespace, "returning", f"http://127.0.0.1:{echo.PORT}/").split()[0]

    for version in ("1", "2"):
        echo.apply(echo.deployment(restricted_namespace, "returning", version))
        echo.rolled_out(restricted_namespace, "returning")
        assert answers() == f"version={version}"
    kubectl("--namespace", restricted_namespace, "rollout", "undo", "deployment/returning")
    echo.rolled_out(restricted_namespace, "returning")
    assert answers() == "version=1"


def test_load_adds_pods(restricted_namespace: str, figures: dict[str, object]) -> None:
    scaler = {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": echo.metadata("loaded", restricted_namespace),
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "loaded"},
            "minReplicas": 1,
            "maxReplicas": 3,
            "metrics": [
                {
                    "type": "Resource",
                    "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}},
                }
            ],
        },
    }
    route = {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": echo.metadata("loaded", restricted_namespace),
        "spec": {
            "parentRefs": [{"name": "test", "namespace": "gateway"}],
            "hostnames": ["loaded.test"],
            "rules": [{"backendRefs": [{"name": "loaded", "port": 80}]}],
        },
    }
    echo.apply(
        echo.deployment(restricted_namespace, "loaded", "1"),
        echo.service(restricted_namespace, "loaded"),
        scaler,
        route,
    )
    echo.rolled_out(restricted_namespace, "loaded")
    wait_until(accepts("top", "pods", f"--namespace={restricted_namespace}"), "the use of pods is measured", 60)

    def pods() -> int:
        return int(get("deployment", "loaded", f"--namespace={restricted_namespace}")["spec"]["replicas"])

    assert pods() == 1
    began = time.monotonic()
    with Steady("loaded.test", 300) as load:
        wait_until(lambda: pods() == 3, "three pods under load", 120)
    figures["scaled_to_3_s"] = round(time.monotonic() - began, 1)
    assert load.answers.counts["1"] > 0
