"""The network policies open the pairs of their page, and no other."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.architecture.manifests import KUBERNETES, Manifest, Pod, needs_kubectl, of_kind, pods, rendered, selects

pytestmark = needs_kubectl
PAGE = KUBERNETES / "components" / "network-policies" / "README.md"
NAMES = {
    "strimzi.io/cluster=fraudstream": "kafka",
    "cnpg.io/cluster=postgres": "postgres",
    "app.kubernetes.io/component=state": "redis",
    "app.kubernetes.io/component=pipeline,spark-role=driver": "pipeline-driver",
    "": "all",
}
"""What the page calls pods that a component of ours does not tell."""

Pair = tuple[str, str, str]


def peers(peer: Manifest) -> list[str]:
    """Names of the page for one peer of a rule, or for the pods that a policy is about."""
    if "ipBlock" in peer:
        return [peer["ipBlock"]["cidr"]]
    if "namespaceSelector" in peer:
        return [peer["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"] + "/"]
    return selected(peer["podSelector"])


def selected(selector: Manifest) -> list[str]:
    for rule in selector.get("matchExpressions", []):
        assert rule["key"] == "app.kubernetes.io/component"
        return list(rule["values"])
    labels = selector.get("matchLabels", {})
    text = ",".join(f"{key}={value}" for key, value in labels.items())
    return [NAMES.get(text, next(iter(labels.values()), ""))]


def ports(rule: Manifest) -> str:
    return ", ".join(sorted({str(port["port"]) for port in rule.get("ports", [])})) or "any"


def opened(policies: list[Manifest], direction: str) -> Iterator[Pair]:
    """Pairs that one direction's rules open: who asks, who is asked, on which ports."""
    side = {"egress": "to", "ingress": "from"}[direction]
    for policy in policies:
        for rule in policy["spec"].get(direction, []):
            for own in selected(policy["spec"]["podSelector"]):
                for other in (name for peer in rule[side] for name in peers(peer)):
                    yield (own, other, ports(rule)) if direction == "egress" else (other, own, ports(rule))


def declared() -> set[Pair]:
    """Pairs of the page's tables."""
    rows = re.findall(r"^\| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", PAGE.read_text(), re.MULTILINE)
    return {
        (asks, asked, port.strip())
        for who, whom, port in rows
        if who != "from" and "---" not in who
        for asks in who.strip().split(", ")
        for asked in whom.strip().split(", ")
    }


def policies() -> list[Manifest]:
    return list(of_kind(rendered("closed"), "NetworkPolicy"))


def test_pairs_of_the_policies_are_those_of_the_page() -> None:
    assert set(opened(policies(), "egress")) | set(opened(policies(), "ingress")) == declared()


def test_what_is_open_at_one_end_is_open_at_the_other() -> None:
    asked, let_in = set(opened(policies(), "egress")), set(opened(policies(), "ingress"))
    # Other namespaces have policies of their own, and addresses have none.
    within = {pair for pair in asked if not pair[1].endswith(("/", "/0"))}
    assert {pair for pair in let_in if not pair[0].endswith("/")} == within


@pytest.mark.parametrize("name", ["staging", "production", "closed"])
def test_everything_is_closed_first(name: str) -> None:
    first = [p["spec"] for p in of_kind(rendered(name), "NetworkPolicy") if p["metadata"]["name"] == "closed"]
    assert first == [{"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}]


@pytest.mark.parametrize("name", ["staging", "production", "closed"])
def test_every_policy_is_about_pods_that_there_are(name: str) -> None:
    labels = [pod.labels for pod in pods(rendered(name))]
    made_by_operators = ("strimzi.io/cluster", "cnpg.io/cluster", "acme.cert-manager.io/http01-solver")
    for policy in of_kind(rendered(name), "NetworkPolicy"):
        selector = policy["spec"]["podSelector"]
        if not set(selector.get("matchLabels", {})) & set(made_by_operators):
            assert any(selects(selector, found) for found in labels), policy["metadata"]["name"]


def secrets(pod: Pod) -> set[str]:
    """Names of the Secrets that a pod's variables come from."""
    found = set[str]()
    for container in pod.containers:
        found |= {source["secretRef"]["name"] for source in container.get("envFrom", []) if "secretRef" in source}
        for variable in container.get("env", []):
            if "secretKeyRef" in variable.get("valueFrom", {}):
                found.add(variable["valueFrom"]["secretKeyRef"]["name"])
    return found


def reachable_ports(pod: Pod, policies: list[Manifest]) -> set[object]:
    return {
        port["port"]
        for policy in policies
        if selects(policy["spec"]["podSelector"], pod.labels)
        for rule in policy["spec"].get("egress", [])
        for port in rule.get("ports", [])
    }


@pytest.mark.parametrize(("name", "kafka"), [("staging", 9096), ("production", 9096), ("closed", 9092)])
def test_who_has_the_key_of_a_store_can_reach_it(name: str, kafka: int) -> None:
    doors = {"kafka-access": kafka, "redis-access": 6379, "postgres-app": 5432}
    policies = list(of_kind(rendered(name), "NetworkPolicy"))
    for pod in pods(rendered(name)):
        for secret in secrets(pod) & set(doors):
            assert doors[secret] in reachable_ports(pod, policies), f"{pod.name} has {secret}"
