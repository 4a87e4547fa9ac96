"""The manifests as a cluster gets them: rendered, overlay by overlay, and taken apart into pods."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from config import ROOT

Manifest = dict[str, Any]

KUBERNETES: Final = ROOT / "ci_cd_testing_deployment" / "kubernetes"
OVERLAYS: Final = ("dev", "staging", "production")
COMBINATIONS: Final = {
    "split": ("gateway", "ab"),
    "brokers-with-certificates": ("strimzi", "gateway", "ab", "synthetic-load", "kafka-tls"),
    "closed": (
        "strimzi",
        "cnpg",
        "redis",
        "synthetic-load",
        "backup",
        "network-policies",
        "network-policies-in-cluster",
    ),
    "google": ("managed", "external-secrets", "external-secrets/google"),
    "models-in-a-bucket": ("object-storage",),
    "cassandra": ("k8ssandra",),
}
"""Components beside the overlays' own that are used together on the base."""
EVERYTHING: Final = (*OVERLAYS, *COMBINATIONS)

needs_kubectl = pytest.mark.skipif(
    shutil.which("kubectl") is None, reason="kubectl, which renders manifests, is missing"
)


@cache
def rendered(name: str) -> tuple[Manifest, ...]:
    """All objects of an overlay or a combination. They are shared: nobody may change them."""
    if name in OVERLAYS:
        return render(KUBERNETES / "overlays" / name)
    return together(COMBINATIONS[name])


def together(components: tuple[str, ...]) -> tuple[Manifest, ...]:
    """All objects of the base with these components."""
    with tempfile.TemporaryDirectory() as folder:
        # Kustomize takes relative paths only, and follows links before it looks at them.
        here = Path(folder).resolve()

        def away(path: str) -> str:
            return os.path.relpath(KUBERNETES / path, here)

        wanted = {"resources": [away("base")], "components": [away(f"components/{c}") for c in components]}
        (here / "kustomization.yaml").write_text(yaml.safe_dump(wanted))
        return render(here)


def render(folder: Path) -> tuple[Manifest, ...]:
    """What `kubectl kustomize` makes of a folder."""
    done = subprocess.run(["kubectl", "kustomize", folder], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return tuple(document for document in yaml.load_all(done.stdout, Loader=yaml.CSafeLoader) if document)


def of_kind(manifests: tuple[Manifest, ...], *kinds: str) -> Iterator[Manifest]:
    """Those of some kinds."""
    return (manifest for manifest in manifests if manifest["kind"] in kinds)


@dataclass(frozen=True, slots=True)
class Pod:
    """The template of a pod, and whose it is."""

    owner: Manifest
    labels: dict[str, str]
    spec: Manifest

    @property
    def name(self) -> str:
        """Who it is: kind and name of the owner, and which half of a SparkApplication."""
        return f"{self.owner['kind']}/{self.owner['metadata']['name']}/{self.labels['app.kubernetes.io/name']}"

    @property
    def component(self) -> str:
        return self.labels["app.kubernetes.io/component"]

    @property
    def containers(self) -> list[Manifest]:
        return [*self.spec.get("initContainers", []), *self.spec["containers"]]


def pods(manifests: tuple[Manifest, ...]) -> Iterator[Pod]:
    """Templates of all pods that the product itself describes."""
    for owner in manifests:
        spec = owner.get("spec", {})
        match owner["kind"]:
            case "Deployment" | "StatefulSet" | "Job":
                found = [spec["template"]]
            case "CronJob":
                found = [spec["jobTemplate"]["spec"]["template"]]
            case "SparkApplication":
                # By this label Spark tells them apart.
                found = [labelled(spec[role]["template"], {"spark-role": role}) for role in ("driver", "executor")]
            case _:
                found = []
        yield from (Pod(owner, template["metadata"]["labels"], template["spec"]) for template in found)


def labelled(template: Manifest, labels: dict[str, str]) -> Manifest:
    metadata = template["metadata"]
    return {**template, "metadata": {**metadata, "labels": {**metadata["labels"], **labels}}}


def images(manifests: tuple[Manifest, ...]) -> set[str]:
    """Names, without tags, of the images that the pods run."""
    plain = {container["image"] for pod in pods(manifests) for container in pod.containers if "image" in container}
    spark = {manifest["spec"]["image"] for manifest in of_kind(manifests, "SparkApplication")}
    return {image.partition("@")[0].rpartition(":")[0] for image in plain | spark}


def selects(selector: Manifest, labels: dict[str, str]) -> bool:
    """Whether a label selector meets these labels."""
    for rule in selector.get("matchExpressions", []):
        if rule["operator"] != "In":
            raise NotImplementedError(rule["operator"])
        if labels.get(rule["key"]) not in rule["values"]:
            return False
    return all(labels.get(key) == value for key, value in selector.get("matchLabels", {}).items())
