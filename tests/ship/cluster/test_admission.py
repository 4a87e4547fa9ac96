"""Manifests that break a rule are refused by the API server itself, whatever a linter says."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from ci_cd_testing_deployment.kubernetes.test_cluster.errors import CommandFailed
from ci_cd_testing_deployment.kubernetes.test_cluster.kubectl import kubectl

pytestmark = pytest.mark.smoke

Change = Callable[[Any], None]

_POD: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "tried"},
    "spec": {
        "securityContext": {"runAsNonRoot": True, "runAsUser": 10001, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [
            {
                "name": "one",
                "image": "localhost/echo-server:1",
                "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
            }
        ],
    },
}


def apply(document: object, namespace: str) -> None:
    kubectl(
        "apply",
        "--server-side",
        "--dry-run=server",
        f"--namespace={namespace}",
        "--filename=-",
        stdin=json.dumps(document),
    )


def refusal(document: object, namespace: str) -> str:
    """Why the API server refuses it."""
    with pytest.raises(CommandFailed) as refused:
        apply(document, namespace)
    return refused.value.said


def in_pod(**fields: Any) -> Change:
    return lambda pod: pod["spec"].update(fields)


def in_container(**fields: Any) -> Change:
    return lambda pod: pod["spec"]["containers"][0].update(fields)


def in_security(**fields: Any) -> Change:
    return lambda pod: pod["spec"]["containers"][0]["securityContext"].update(fields)


def test_a_pod_that_keeps_the_rules_is_accepted(restricted_namespace: str) -> None:
    apply(_POD, restricted_namespace)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda pod: pod["spec"]["securityContext"].update(runAsUser=0), "runAsUser=0"),
        (lambda pod: pod["spec"]["securityContext"].pop("runAsNonRoot"), "runAsNonRoot != true"),
        (lambda pod: pod["spec"]["securityContext"].pop("seccompProfile"), "seccompProfile"),
        (in_security(privileged=True, allowPrivilegeEscalation=True), "privileged"),
        (in_security(allowPrivilegeEscalation=True), "allowPrivilegeEscalation != false"),
        (in_security(capabilities={"drop": ["ALL"], "add": ["SYS_ADMIN"]}), "unrestricted capabilities"),
        (in_pod(hostNetwork=True), "host namespaces"),
        (in_pod(hostPID=True), "host namespaces"),
        (in_pod(volumes=[{"name": "root", "hostPath": {"path": "/"}}]), "hostPath"),
        (in_container(ports=[{"containerPort": 8080, "hostPort": 80}]), "hostPort"),
    ],
    ids=[
        "root",
        "root-allowed",
        "no-seccomp",
        "privileged",
        "escalation",
        "capability",
        "host-network",
        "host-processes",
        "host-path",
        "host-port",
    ],
)
def test_a_pod_that_breaks_a_rule_is_refused(change: Change, why: str, restricted_namespace: str) -> None:
    pod = copy.deepcopy(_POD)
    change(pod)
    said = refusal(pod, restricted_namespace)
    assert 'violates PodSecurity "restricted' in said
    assert why in said


def custom(version: str, kind: str, **spec: object) -> dict[str, object]:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": "tried"}, "spec": spec}


@pytest.mark.parametrize(
    ("document", "why"),
    [
        (
            custom(
                "gateway.networking.k8s.io/v1",
                "HTTPRoute",
                rules=[{"backendRefs": [{"name": "a", "port": 80, "weight": "heavy"}]}],
            ),
            "spec.rules[0].backendRefs[0].weight",
        ),
        (custom("kafka.strimzi.io/v1", "KafkaTopic", partitions="twelve", replicas=3), "spec.partitions"),
        (custom("keda.sh/v1alpha1", "ScaledObject", scaleTargetRef={"name": "a"}, triggers="lag"), "spec.triggers"),
        (custom("postgresql.cnpg.io/v1", "Cluster", instances=0, storage={"size": "1Gi"}), "spec.instances"),
        (custom("cert-manager.io/v1", "Certificate", secretName="a", dnsNames=["a"]), "spec.issuerRef"),
        (custom("flagger.app/v1beta1", "Canary", targetRef={"kind": "Deployment"}), "spec.targetRef.name"),
        (custom("sparkoperator.k8s.io/v1beta2", "SparkApplication", type="Cobol"), "spec.type"),
        (custom("external-secrets.io/v1", "ExternalSecret", refreshInterval=60), "spec.refreshInterval"),
        (custom("monitoring.coreos.com/v1", "ServiceMonitor", endpoints=[]), "spec.selector"),
    ],
    ids=["weight", "partitions", "triggers", "instances", "issuer", "target", "language", "interval", "selector"],
)
def test_a_resource_of_a_wrong_type_is_refused(document: object, why: str, restricted_namespace: str) -> None:
    assert why in refusal(document, restricted_namespace)


@pytest.mark.parametrize("version", ["v1", "kafka.strimzi.io/v1", "gateway.networking.k8s.io/v1"])
def test_a_field_that_does_not_exist_is_refused(version: str, restricted_namespace: str) -> None:
    documents = {
        "v1": {**_POD, "spec": {**_POD["spec"], "restartPolice": "Never"}},
        "kafka.strimzi.io/v1": custom("kafka.strimzi.io/v1", "KafkaTopic", partition=12),
        "gateway.networking.k8s.io/v1": custom("gateway.networking.k8s.io/v1", "HTTPRoute", hostname="a"),
    }
    said = refusal(documents[version], restricted_namespace)
    assert "field not declared in schema" in said
