"""A tiny service that says which version and pod answers: the platform is tested with it apart from the product."""

from __future__ import annotations

import json
from typing import Any

from ci_cd_testing_deployment.kubernetes.test_cluster.kubectl import kubectl

IMAGE = "localhost/echo-server:1"
PORT = 8080
# Longer than the gateway needs to hear that an endpoint goes: what ends earlier is still asked.
DRAIN_S = 5


def metadata(name: str, namespace: str, **labels: str) -> dict[str, Any]:
    return {"name": name, "namespace": namespace, "labels": labels}


def deployment(namespace: str, name: str, version: str, *, replicas: int = 1, fail_every: int = 0) -> dict[str, Any]:
    labels = {"app": name}
    container = {
        "name": "echo",
        "image": IMAGE,
        "env": [{"name": "VERSION", "value": version}, {"name": "FAIL_EVERY", "value": str(fail_every)}],
        "ports": [{"containerPort": PORT, "name": "http"}],
        "readinessProbe": {"httpGet": {"path": "/healthz", "port": "http"}, "periodSeconds": 1},
        "lifecycle": {"preStop": {"sleep": {"seconds": DRAIN_S}}},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "resources": {"requests": {"cpu": "10m", "memory": "16Mi"}, "limits": {"memory": "64Mi"}},
    }
    pod = {
        "automountServiceAccountToken": False,
        "securityContext": {"runAsNonRoot": True, "runAsUser": 10001, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [container],
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": metadata(name, namespace),
        "spec": {
            "replicas": replicas,
            "progressDeadlineSeconds": 60,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": pod},
        },
    }


def service(namespace: str, name: str) -> dict[str, Any]:
    spec = {"selector": {"app": name}, "ports": [{"name": "http", "port": 80, "targetPort": "http"}]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata(name, namespace), "spec": spec}


def apply(*objects: dict[str, Any]) -> None:
    kubectl("apply", "--filename=-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)}))


def rolled_out(namespace: str, *names: str) -> None:
    """Return when all pods of these are of their latest version and ready."""
    for name in names:
        kubectl("--namespace", namespace, "rollout", "status", f"deployment/{name}", "--timeout=120s")


def get_from(namespace: str, name: str, url: str) -> str:
    """What a pod of the deployment gets from the address. Raises CommandFailed when it gets nothing."""
    return kubectl(
        "--namespace", namespace, "exec", f"deployment/{name}", "--", "echo-server", "get", url, timeout_s=30
    )
