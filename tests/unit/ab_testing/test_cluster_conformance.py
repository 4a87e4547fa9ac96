"""What the port of the cluster promises, asked of each adapter."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ci_cd_testing_deployment.ab_testing.cluster import Cluster
from ci_cd_testing_deployment.ab_testing.errors import ClusterRefused, RouteChanged, RouteMissing
from ci_cd_testing_deployment.ab_testing.kubectl import KubectlCluster
from ci_cd_testing_deployment.ab_testing.route import Manifest


def test_what_was_replaced_is_read(cluster: Cluster) -> None:
    route = cluster.route()
    route["spec"]["hostnames"] = ["api.example"]
    cluster.replace(route)
    assert cluster.route()["spec"] == route["spec"]


def test_a_dry_run_changes_nothing(cluster: Cluster) -> None:
    before = cluster.route()
    cluster.replace({**before, "spec": {}}, is_dry_run=True)
    assert cluster.route() == before


def test_a_route_that_changed_meanwhile_is_not_replaced(cluster: Cluster) -> None:
    first = cluster.route()
    cluster.replace(first)
    after = cluster.route()
    with pytest.raises(RouteChanged, match="run the command again"):
        cluster.replace({**first, "spec": {}})
    assert cluster.route() == after


def test_a_missing_route_is_named(make_cluster: Callable[[Manifest | None], Cluster]) -> None:
    with pytest.raises(RouteMissing, match=r"decision-api in namespace fraudstream.*--route"):
        make_cluster(None).route()


def test_services_and_images_are_told(cluster: Cluster) -> None:
    assert cluster.service_exists("decision-api-b")
    assert not cluster.service_exists("decision-api-c")
    assert cluster.image("decision-api-b") == "fraudstream/decision-api:2"
    with pytest.raises(RouteMissing, match=r"(?i)deployment decision-api-c"):
        cluster.image("decision-api-c")


def test_a_missing_kubectl_is_named() -> None:
    with pytest.raises(ClusterRefused, match=r"no-such-kubectl.*install kubectl"):
        KubectlCluster("fraudstream", "decision-api", "no-such-kubectl").route()


def test_a_cluster_that_does_not_answer_is_named() -> None:
    with pytest.raises(ClusterRefused, match=r"no answer in 0 s.*kubectl version"):
        KubectlCluster("fraudstream", "decision-api", "sh -c 'read line </dev/zero'", timeout_s=0.1).route()
