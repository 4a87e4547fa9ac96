"""The gateway splits by weight, keeps customers at their version, and lets testers choose."""

from __future__ import annotations

from typing import Any

import pytest

from ci_cd_testing_deployment.ab_testing.route import Versions, new_route
from ci_cd_testing_deployment.kubernetes.test_cluster.kubectl import get
from ci_cd_testing_deployment.kubernetes.test_cluster.tools import wait_until
from tests.ship.cluster import echo
from tests.ship.cluster.traffic import ask

pytestmark = pytest.mark.usefixtures("node")

HOST = "split.test"
REQUESTS = 10_000


def route(namespace: str, weight: int) -> dict[str, Any]:
    """The controller's own rules, on the tests' Gateway."""
    made = new_route("split", "test", "/", Versions("a", "b"), weight)
    made["metadata"]["namespace"] = namespace
    made["spec"] |= {"hostnames": [HOST], "parentRefs": [{"name": "test", "namespace": "gateway"}]}
    return made


def set_weight(namespace: str, weight: int) -> None:
    """Return when the gateway works by it."""
    echo.apply(route(namespace, weight))
    edge = f"{max(0, weight - 1):02}"
    wanted = "b" if weight else "a"
    wait_until(lambda: ask(HOST, 1, X_Fraud_Bucket=edge).counts[wanted] == 1, f"weight {weight} is in force", 30)


@pytest.fixture(scope="module")
def namespace(restricted_namespace: str) -> str:
    for name in ("a", "b"):
        echo.apply(echo.deployment(restricted_namespace, name, name), echo.service(restricted_namespace, name))
    echo.rolled_out(restricted_namespace, "a", "b")
    set_weight(restricted_namespace, 10)
    return restricted_namespace


def test_route_is_accepted_and_its_services_are_found(namespace: str) -> None:
    parent = get("httproute", "split", f"--namespace={namespace}")["status"]["parents"][0]
    assert {c["type"]: c["status"] for c in parent["conditions"]} == {"Accepted": "True", "ResolvedRefs": "True"}


@pytest.mark.usefixtures("namespace")
def test_ninety_to_ten_holds_within_one_point(figures: dict[str, object]) -> None:
    answers = ask(HOST, REQUESTS)
    figures["split_share_b"] = answers.share("b")
    figures["split_requests"] = answers.total
    assert answers.failed == 0
    assert 0.09 <= answers.share("b") <= 0.11


@pytest.mark.usefixtures("namespace")
def test_testers_choose_their_version() -> None:
    for version in ("a", "b"):
        assert ask(HOST, 100, X_Fraud_Version=version, X_Fraud_Bucket="99").counts == {version: 100}


def test_no_customer_goes_back_while_the_weight_rises(namespace: str) -> None:
    buckets = [f"{bucket:02}" for bucket in range(100)]
    at_b: set[str] = set()
    for weight in (0, 10, 25, 50, 100):
        set_weight(namespace, weight)
        answered = {bucket: ask(HOST, 3, X_Fraud_Bucket=bucket).counts for bucket in buckets}
        assert all(len(counts) == 1 for counts in answered.values()), "a customer saw both versions"
        served = {bucket for bucket, counts in answered.items() if "b" in counts}
        assert served == set(buckets[:weight])
        assert at_b <= served
        at_b = served
