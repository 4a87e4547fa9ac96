"""The controller of A/B roll-outs on a real API server and a real gateway: what its tests assume of both is so."""

from __future__ import annotations

import shlex
import time
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from ci_cd_testing_deployment.ab_testing.errors import RouteChanged, RouteMissing
from ci_cd_testing_deployment.ab_testing.kubectl import KubectlCluster
from ci_cd_testing_deployment.ab_testing.rollout import Rollout
from ci_cd_testing_deployment.ab_testing.route import Versions, new_route, path_of
from ci_cd_testing_deployment.kubernetes.test_cluster.binaries import binary
from ci_cd_testing_deployment.kubernetes.test_cluster.place import KUBECONFIG
from ci_cd_testing_deployment.kubernetes.test_cluster.processes import inside
from ci_cd_testing_deployment.kubernetes.test_cluster.tools import wait_until
from tests.ship.cluster import echo
from tests.ship.cluster.traffic import ask

HOST = "rolled-out.test"
PATH = "/v1/decisions"
VERSIONS = Versions("a", "b")
BUCKETS = [f"{bucket:02}" for bucket in range(100)]


def plain_route(namespace: str) -> dict[str, Any]:
    route = new_route("api", "test", PATH, VERSIONS, 0)
    route["metadata"]["namespace"] = namespace
    route["spec"] = {
        "parentRefs": [{"name": "test", "namespace": "gateway"}],
        "hostnames": [HOST],
        "rules": VERSIONS.plain_rules(PATH),
    }
    return route


@pytest.fixture
def cluster(restricted_namespace: str) -> KubectlCluster:
    """The controller's view of a namespace with both Services and the plain route."""
    echo.apply(*(echo.service(restricted_namespace, name) for name in ("a", "b")), plain_route(restricted_namespace))
    kubectl: list[str | Path] = [binary("kubectl"), "--kubeconfig", KUBECONFIG]
    return KubectlCluster(restricted_namespace, "api", shlex.join(inside(kubectl)))


@pytest.fixture
def rollout(cluster: KubectlCluster) -> Rollout:
    """Starts from the plain route, whatever the test before has left."""
    found = Rollout(cluster, VERSIONS, time.time)
    found.stop(is_forced=True)
    return found


@pytest.mark.smoke
def test_the_api_server_keeps_rules_as_they_were_written(cluster: KubectlCluster, rollout: Rollout) -> None:
    """It would add defaults to what leaves them out, and the controller would take them for another's change."""
    rollout.start(1)
    for weight in (10, 37, 100):
        rollout.ramp(weight)
        assert cluster.route()["spec"]["rules"] == VERSIONS.rules(weight, PATH)
    rollout.rollback()
    assert [stage.weight for stage in rollout.stages()] == [1, 10, 37, 100, 0]


@pytest.mark.smoke
def test_a_route_that_changed_meanwhile_is_not_replaced(cluster: KubectlCluster, rollout: Rollout) -> None:
    before = cluster.route()
    rollout.start(5)
    with pytest.raises(RouteChanged):
        cluster.write(before)
    assert rollout.stages()[-1].weight == 5


@pytest.mark.smoke
def test_a_dry_run_changes_nothing(cluster: KubectlCluster, rollout: Rollout) -> None:
    before = cluster.route()["spec"]
    Rollout(cluster, VERSIONS, time.time, is_dry_run=True).start(5)
    assert cluster.route()["spec"] == before
    assert rollout.stages() == ()


@pytest.mark.smoke
def test_what_is_missing_is_named(cluster: KubectlCluster) -> None:
    assert not cluster.service_exists("c")
    with pytest.raises(RouteMissing, match="deployment c"):
        cluster.image("c")
    with pytest.raises(RouteMissing, match="httproute other"):
        KubectlCluster(cluster.namespace, "other", cluster.command).route()


def is_at_b(bucket: str) -> bool:
    """Whether version b answers this bucket."""
    return ask(HOST, 1, PATH, X_Fraud_Bucket=bucket).counts["b"] == 1


def versions_by_bucket() -> dict[str, set[str]]:
    """Who answers each bucket, asked twice."""
    return {bucket: set(ask(HOST, 2, PATH, X_Fraud_Bucket=bucket).counts) for bucket in BUCKETS}


@pytest.mark.usefixtures("node")
def test_customers_follow_the_steps_and_come_back_at_a_rollback(cluster: KubectlCluster, rollout: Rollout) -> None:
    echo.apply(*(echo.deployment(cluster.namespace, name, name) for name in ("a", "b")))
    echo.rolled_out(cluster.namespace, "a", "b")
    at_b: set[str] = set()
    for step, weight in ((rollout.start, 5), (rollout.ramp, 37)):
        step(weight)
        wait_until(partial(is_at_b, BUCKETS[weight - 1]), f"weight {weight} is in force", 30)
        answered = versions_by_bucket()
        assert answered == {bucket: {"b" if int(bucket) < weight else "a"} for bucket in BUCKETS}
        assert all("b" in answered[bucket] for bucket in at_b), "a customer went back"
        at_b = {bucket for bucket in BUCKETS if "b" in answered[bucket]}
    for version in ("a", "b"):
        assert ask(HOST, 50, PATH, X_Fraud_Version=version, X_Fraud_Bucket="00").counts == {version: 50}
    assert ask(HOST, 1_000, PATH).share("b") == pytest.approx(0.37, abs=0.01)
    rollout.rollback()
    wait_until(lambda: not is_at_b("00"), "the rollback is in force", 30)
    assert versions_by_bucket() == {bucket: {"a"} for bucket in BUCKETS}
    assert ask(HOST, 100, "/metrics").counts == {"404": 100}, "what callers do not need is not let in"
    assert path_of(cluster.route()) == PATH
