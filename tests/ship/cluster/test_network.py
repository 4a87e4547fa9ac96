"""Policies of the network block what they do not name."""

from __future__ import annotations

from typing import Any

import pytest

from ci_cd_testing_deployment.kubernetes.test_cluster.errors import CommandFailed
from ci_cd_testing_deployment.kubernetes.test_cluster.tools import wait_until
from tests.ship.cluster import echo

pytestmark = pytest.mark.usefixtures("node")

_NAMES = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}}}


def policy(namespace: str, name: str, spec: dict[str, Any]) -> dict[str, Any]:
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": echo.metadata(name, namespace),
        "spec": spec,
    }


def pod(name: str) -> dict[str, Any]:
    return {"podSelector": {"matchLabels": {"app": name}}}


@pytest.fixture(scope="module")
def namespace(restricted_namespace: str) -> str:
    for name in ("caller", "called"):
        echo.apply(echo.deployment(restricted_namespace, name, name), echo.service(restricted_namespace, name))
    echo.rolled_out(restricted_namespace, "caller", "called")
    return restricted_namespace


def reaches(namespace: str, one: str, other: str) -> bool:
    try:
        return f"version={other}" in echo.get_from(namespace, one, f"http://{other}.{namespace}/")
    except CommandFailed:
        return False


def test_declared_pairs_pass_and_others_are_blocked(namespace: str) -> None:
    wait_until(lambda: reaches(namespace, "caller", "called"), "a pair without policies", 30)
    wait_until(lambda: reaches(namespace, "called", "caller"), "the pair the other way", 30)
    http, names = [{"port": echo.PORT}], [{"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "TCP"}]
    echo.apply(
        policy(namespace, "default-deny", {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}),
        policy(
            namespace,
            "names",
            {"podSelector": {}, "policyTypes": ["Egress"], "egress": [{"to": [_NAMES], "ports": names}]},
        ),
        policy(
            namespace,
            "caller-to-called",
            {**pod("caller"), "policyTypes": ["Egress"], "egress": [{"to": [pod("called")], "ports": http}]},
        ),
        policy(
            namespace,
            "called-from-caller",
            {**pod("called"), "policyTypes": ["Ingress"], "ingress": [{"from": [pod("caller")], "ports": http}]},
        ),
    )
    wait_until(lambda: not reaches(namespace, "called", "caller"), "the undeclared pair is blocked", 30)
    assert reaches(namespace, "caller", "called")
