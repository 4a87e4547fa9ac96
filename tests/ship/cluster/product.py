"""The product on the cluster: its images from the container engine, its manifests, and a model to decide with."""

from __future__ import annotations

import http.client
import json
import subprocess
import time
from typing import Any

import yaml

from ci_cd_testing_deployment.kubernetes.test_cluster.kubectl import kubectl
from ci_cd_testing_deployment.kubernetes.test_cluster.place import CONTAINERD, GATEWAY_IP, VOLUMES
from ci_cd_testing_deployment.kubernetes.test_cluster.tools import run
from config import ROOT
from tests.fixtures.models import write_small_model

NAMESPACE = "fraudstream"
HOST = "api.fraudstream.example"
OVERLAY = ROOT / "tests" / "ship" / "cluster" / "overlay"
PHASE = "fraudstream.io/phase"
DEPLOYMENTS = ("decision-api", "storage-sink", "dashboard-api", "dashboard-web")
STORES = ("postgres", "redis")


def missing_images(documents: list[dict[str, Any]]) -> list[str]:
    """Images that the node has not, of what runs from the start: jobs by hand are suspended."""
    runs = [document for document in documents if document["kind"] != "CronJob"]
    has = run(["ctr", "--address", CONTAINERD, "--namespace", "k8s.io", "images", "ls", "--quiet"]).split()
    return sorted(name for name in set(_images(runs)) if _full(name) not in has)


def _full(name: str) -> str:
    return name if name.startswith("docker.io/") else f"docker.io/{name}"


def _images(value: object) -> list[str]:
    if isinstance(value, dict):
        here = [value["image"]] if isinstance(value.get("image"), str) else []
        return here + [name for inner in value.values() for name in _images(inner)]
    if isinstance(value, list):
        return [name for inner in value for name in _images(inner)]
    return []


def documents() -> list[dict[str, Any]]:
    return [document for document in yaml.safe_load_all(kubectl("kustomize", OVERLAY)) if document]


def apply(*objects: dict[str, Any]) -> None:
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)})
    kubectl("apply", "--server-side", "--force-conflicts", "--filename=-", stdin=text)


def provide_model() -> None:
    """A volume with a small model, for the claim of the manifests."""
    folder = VOLUMES / "models"
    if not folder.exists():
        folder.mkdir(parents=True)
        write_small_model(folder)
        subprocess.run(["chmod", "-R", "a+rX", folder], check=True)
    apply(
        {
            "apiVersion": "v1",
            "kind": "PersistentVolume",
            "metadata": {"name": "models"},
            "spec": {
                "accessModes": ["ReadWriteOnce", "ReadWriteMany"],
                "capacity": {"storage": "10Gi"},
                "claimRef": {"name": "models", "namespace": NAMESPACE},
                "hostPath": {"path": str(folder)},
                "storageClassName": "local-path",
            },
        }
    )


def release(wanted: list[dict[str, Any]]) -> None:
    """In the order of a release: what all need, then jobs such as migrations, then what runs."""
    runs = {"Deployment", "SparkApplication", "Job"}
    provide_model()
    apply(*(d for d in wanted if d["kind"] == "Namespace"))
    apply(*(d for d in wanted if d["kind"] not in runs))
    for name in STORES:
        in_namespace("rollout", "status", f"statefulset/{name}", "--timeout=120s")
    apply(*(d for d in wanted if d["kind"] == "Job"))
    in_namespace("wait", "--for=condition=Complete", "jobs", f"--selector={PHASE}=before-rollout", "--timeout=180s")
    apply(*(d for d in wanted if d["kind"] in {"Deployment", "SparkApplication"}))
    for name in DEPLOYMENTS:
        in_namespace("rollout", "status", f"deployment/{name}", "--timeout=180s")


def in_namespace(*words: str) -> str:
    return kubectl("--namespace", NAMESPACE, *words, timeout_s=240)


def transaction(number: int, customer: str) -> dict[str, Any]:
    """A payment that is made just now."""
    return {
        "transaction_id": f"{customer}-{number}",
        "event_time": int(time.time() * 1000),
        "utc_offset_min": 60,
        "customer_id": customer,
        "card_token": f"card-{customer}",
        "merchant_id": "m000017",
        "mcc": "5411",
        "amount_minor": 5_000,
        "currency": "EUR",
        "amount_base_minor": 5_000,
        "merchant_country": "AT",
        "channel": "chip",
    }


def decide(body: dict[str, Any]) -> dict[str, Any]:
    """The decision of the API, asked through the gateway."""
    connection = http.client.HTTPConnection(GATEWAY_IP, timeout=10)
    try:
        connection.request(
            "POST", "/v1/decisions", json.dumps(body), {"Host": HOST, "Content-Type": "application/json"}
        )
        answer = connection.getresponse()
        text = answer.read().decode()
    finally:
        connection.close()
    assert answer.status == 200, text
    found: dict[str, Any] = json.loads(text)
    return found


def query(sql: str) -> list[str]:
    """Lines that PostgreSQL answers."""
    # By the socket a password would be asked for as well.
    command = f'PGPASSWORD=$POSTGRES_PASSWORD psql -h 127.0.0.1 -U fraud -d fraud -At -c "{sql}"'
    return in_namespace("exec", "statefulset/postgres", "--", "bash", "-c", command).split()
