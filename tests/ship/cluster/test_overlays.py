"""Every overlay is taken by a real API server as it is, and its pods keep the strictest standard."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from ci_cd_testing_deployment.kubernetes.test_cluster.errors import CommandFailed
from ci_cd_testing_deployment.kubernetes.test_cluster.kubectl import get, kubectl
from ci_cd_testing_deployment.kubernetes.test_cluster.tools import wait_until
from config import ROOT

pytestmark = pytest.mark.smoke

OVERLAYS = sorted((ROOT / "ci_cd_testing_deployment" / "kubernetes" / "overlays").iterdir())
WORKLOADS = {"Deployment", "StatefulSet", "Job"}
OPEN = {"dev": "a developer's cluster need not enforce policies; the product's own test adds them to this overlay"}
"""Overlays without policies of the network, and why."""
LEVEL = "pod-security.kubernetes.io/enforce"


class Applied:
    """An overlay in the cluster."""

    def __init__(self, folder: Path) -> None:
        self.name = folder.name
        self.text = kubectl("kustomize", folder)
        self.documents: list[dict[str, Any]] = [d for d in yaml.safe_load_all(self.text) if d]

    def of_kind(self, *kinds: str) -> list[dict[str, Any]]:
        return [document for document in self.documents if document["kind"] in kinds]

    def apply(self, *words: str) -> None:
        kubectl("apply", "--server-side", *words, "--filename=-", stdin=self.text)

    def delete(self) -> None:
        kubectl("delete", "--ignore-not-found", "--filename=-", stdin=self.text)


@pytest.fixture(scope="module", params=OVERLAYS, ids=lambda folder: folder.name)
def applied(request: pytest.FixtureRequest) -> Iterator[Applied]:
    overlay = Applied(request.param)
    # Objects are checked against the namespace they are in, so it has to be there.
    for namespace in overlay.of_kind("Namespace"):
        kubectl("apply", "--server-side", "--filename=-", stdin=yaml.safe_dump(namespace))
    overlay.apply("--dry-run=server")
    overlay.apply()
    yield overlay
    overlay.delete()


def test_its_namespaces_are_restricted(applied: Applied) -> None:
    namespaces = applied.of_kind("Namespace")
    assert namespaces
    assert {n["metadata"]["name"]: n["metadata"]["labels"].get(LEVEL) for n in namespaces} == {
        n["metadata"]["name"]: "restricted" for n in namespaces
    }


def test_applying_it_again_changes_nothing(applied: Applied) -> None:
    assert kubectl("diff", "--server-side", "--filename=-", stdin=applied.text) == ""


def test_no_pod_is_refused(applied: Applied) -> None:
    """Controllers make pods although no node runs them; a refusal shows at what should have made them."""
    workloads = applied.of_kind(*WORKLOADS)
    assert workloads

    def pods(workload: dict[str, Any]) -> int:
        selector = ",".join(f"{k}={v}" for k, v in workload["spec"]["template"]["metadata"]["labels"].items())
        return len(get("pods", f"--namespace={workload['metadata']['namespace']}", f"--selector={selector}")["items"])

    wait_until(lambda: all(pods(workload) for workload in workloads), "each workload has a pod", 60)
    namespaces = {workload["metadata"]["namespace"] for workload in workloads}
    refused = [
        event["message"]
        for namespace in namespaces
        for event in get("events", f"--namespace={namespace}")["items"]
        if event["reason"] == "FailedCreate"
    ]
    assert refused == []


def test_nothing_may_talk_unless_a_policy_says_so(applied: Applied) -> None:
    if applied.name in OPEN:
        pytest.skip(f"{applied.name}: {OPEN[applied.name]}")
    wanted = {workload["metadata"]["namespace"] for workload in applied.of_kind(*WORKLOADS)}
    denied = {
        policy["metadata"]["namespace"]
        for policy in applied.of_kind("NetworkPolicy")
        if policy["spec"].get("podSelector") == {}
        and set(policy["spec"].get("policyTypes", [])) == {"Ingress", "Egress"}
        and not policy["spec"].get("ingress")
        and not policy["spec"].get("egress")
    }
    assert denied >= wanted


def test_accounts_have_no_right_that_they_do_not_need(applied: Applied) -> None:
    """Only the stream's driver starts pods; nobody reads secrets through the API or changes what runs."""
    accounts = applied.of_kind("ServiceAccount")
    assert accounts
    for account in accounts:
        namespace, name = account["metadata"]["namespace"], account["metadata"]["name"]
        who = f"--as=system:serviceaccount:{namespace}:{name}"
        may = {
            " ".join(asked)
            for asked in (
                ("get", "secrets"),
                ("create", "pods"),
                ("patch", "deployments"),
                ("create", "pods", "--subresource=exec"),
            )
            if can(*asked, who, f"--namespace={namespace}")
        }
        assert may == ({"create pods"} if name == "pipeline-driver" else set()), name
        assert not can("get", "nodes", who), name


def can(*words: str) -> bool:
    try:
        said = kubectl("auth", "can-i", *words)
    except CommandFailed as error:  # a no
        said = error.said
    verdict = said.split()[0]  # warnings come after it
    assert verdict in {"yes", "no"}, said
    return verdict == "yes"
