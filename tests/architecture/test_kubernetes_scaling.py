"""One hand on each Deployment: who says how many there are, and who splits its callers."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.architecture.manifests import EVERYTHING, Manifest, needs_kubectl, of_kind, rendered

pytestmark = needs_kubectl
everywhere = pytest.mark.parametrize("name", EVERYTHING)


def scalers(manifests: tuple[Manifest, ...]) -> list[Manifest]:
    return list(of_kind(manifests, "HorizontalPodAutoscaler", "ScaledObject"))


@everywhere
def test_one_scaler_at_most_for_a_workload(name: str) -> None:
    targets = Counter(scaler["spec"]["scaleTargetRef"]["name"] for scaler in scalers(rendered(name)))
    assert {target for target, count in targets.items() if count > 1} == set()


@everywhere
def test_what_is_scaled_is_there_and_has_no_number_of_its_own(name: str) -> None:
    deployments = {m["metadata"]["name"]: m for m in of_kind(rendered(name), "Deployment")}
    for scaler in scalers(rendered(name)):
        target = deployments[scaler["spec"]["scaleTargetRef"]["name"]]
        assert "replicas" not in target["spec"], "a release would set the number back"


@pytest.mark.parametrize("name", ["staging", "production"])
def test_services_follow_their_load_and_the_sink_what_waits(name: str) -> None:
    assert {(s["kind"], s["spec"]["scaleTargetRef"]["name"]) for s in scalers(rendered(name))} == {
        ("HorizontalPodAutoscaler", "decision-api"),
        ("HorizontalPodAutoscaler", "dashboard-api"),
        ("ScaledObject", "storage-sink"),
    }


def test_no_more_sinks_than_partitions() -> None:
    partitions = {topic["spec"]["partitions"] for topic in of_kind(rendered("dev"), "KafkaTopic")}
    (sink,) = of_kind(rendered("production"), "ScaledObject")
    assert partitions == {sink["spec"]["maxReplicaCount"]}


def split_twice(manifests: tuple[Manifest, ...]) -> set[str]:
    """Deployments whose callers both Flagger and an A/B route would split."""
    canaries = {m["spec"]["targetRef"]["name"] for m in of_kind(manifests, "Canary")}
    deployments = {m["metadata"]["name"] for m in of_kind(manifests, "Deployment")}
    return {name for name in canaries if f"{name}-b" in deployments}


@everywhere
def test_nothing_is_split_by_two(name: str) -> None:
    assert split_twice(rendered(name)) == set()


def test_a_canary_beside_a_split_is_found() -> None:
    together_wrongly = (*rendered("production"), *of_kind(rendered("split"), "Deployment"))
    assert split_twice(together_wrongly) == {"decision-api"}


def test_a_canary_owns_its_services_and_its_route() -> None:
    (canary,) = of_kind(rendered("production"), "Canary")
    target = canary["spec"]["targetRef"]["name"]
    others = of_kind(rendered("production"), "Service", "HTTPRoute")
    assert target not in {m["metadata"]["name"] for m in others}, "each release would take its weights back"
    assert canary["spec"]["autoscalerRef"]["name"] in {s["metadata"]["name"] for s in scalers(rendered("production"))}


@everywhere
def test_people_reach_the_dashboard_by_no_route(name: str) -> None:
    # It has no sign-in: SECURITY.md.
    behind = {
        backend["name"]
        for route in of_kind(rendered(name), "HTTPRoute")
        for rule in route["spec"]["rules"]
        for backend in rule.get("backendRefs", [])
    }
    assert behind <= {"decision-api", "decision-api-b"}
    services = of_kind(rendered(name), "Service")
    assert {service["spec"].get("type", "ClusterIP") for service in services} <= {"ClusterIP"}
    assert not list(of_kind(rendered(name), "Ingress"))
