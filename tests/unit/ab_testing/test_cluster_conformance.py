"""What the port of the cluster promises, asked of each adapter."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ci_cd_testing_deployment.ab_testing.cluster import Cluster
from ci_cd_testing_deployment.ab_testing.errors import ClusterRefused, RouteChanged, RouteMissing
from ci_cd_testing_deployment.ab_testing.history import Stage
from ci_cd_testing_deployment.ab_testing.kubectl import KubectlCluster
from ci_cd_testing_deployment.ab_testing.route import Manifest, Versions, stages_of, with_stages


def test_what_was_written_is_read(cluster: Cluster) -> None:
    route = with_stages(cluster.route(), Versions(), (Stage(0, 10),))
    cluster.write(route)
    assert cluster.route()["spec"] == route["spec"]
    assert stages_of(cluster.route(), Versions()) == (Stage(0, 10),)


def test_only_rules_and_history_are_written(cluster: Cluster) -> None:
    before = cluster.route()
    cluster.write({**before, "spec": {**before["spec"], "hostnames": ["elsewhere.example"]}})
    assert cluster.route()["spec"] == before["spec"]


def test_a_dry_run_changes_nothing(cluster: Cluster) -> None:
    before = cluster.route()
    cluster.write(with_stages(before, Versions(), (Stage(0, 10),)), is_dry_run=True)
    assert cluster.route() == before


def test_a_route_that_changed_meanwhile_is_not_written(cluster: Cluster) -> None:
    first = cluster.route()
    cluster.write(first)
    after = cluster.route()
    with pytest.raises(RouteChanged, match="run the command again"):
        cluster.write(with_stages(first, Versions(), (Stage(0, 10),)))
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
