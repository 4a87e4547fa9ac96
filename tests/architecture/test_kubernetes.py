"""Every workload's manifest keeps the rules that a cluster and its people rely on, in every overlay and combination."""

from __future__ import annotations

from pathlib import Path

import pytest

from ci_cd_testing_deployment.cli import settings
from ci_cd_testing_deployment.docker.images import IMAGES
from ci_cd_testing_deployment.kubernetes.kafka_objects import rendered as kafka_objects
from tests.architecture.manifests import (
    COMBINATIONS,
    EVERYTHING,
    KUBERNETES,
    OVERLAYS,
    Manifest,
    Pod,
    images,
    needs_kubectl,
    of_kind,
    pods,
    rendered,
    selects,
)
from tests.architecture.tree import read

pytestmark = needs_kubectl
everywhere = pytest.mark.parametrize("name", EVERYTHING)

MADE_BY_OPERATORS = {"KafkaUser", "ExternalSecret"}
"""Kinds whose operator makes a Secret of the same name."""


@everywhere
def test_pods_have_no_rights_that_they_do_not_need(name: str) -> None:
    for pod in pods(rendered(name)):
        security = pod.spec["securityContext"]
        assert security["runAsNonRoot"] is True, pod.name
        assert security["runAsUser"] == 10001, pod.name
        assert security["seccompProfile"] == {"type": "RuntimeDefault"}, pod.name
        for container in pod.containers:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }, pod.name
        assert not {"hostNetwork", "hostPID", "hostIPC"} & set(pod.spec), pod.name
        assert not [volume for volume in pod.spec.get("volumes", []) if "hostPath" in volume], pod.name
        assert pod.spec["enableServiceLinks"] is False, f"{pod.name}: names of Services would be taken for settings"


@everywhere
def test_only_the_driver_of_the_stream_has_a_token_for_the_api_server(name: str) -> None:
    assert {p.name for p in pods(rendered(name)) if p.spec["automountServiceAccountToken"]} == {
        "SparkApplication/pipeline/pipeline-driver"
    }


@everywhere
def test_containers_say_what_they_use(name: str) -> None:
    for pod in pods(rendered(name)):
        # Spark sets processors and memory itself, from fields of its own.
        wanted = (
            {"ephemeral-storage"} if pod.owner["kind"] == "SparkApplication" else {"cpu", "memory", "ephemeral-storage"}
        )
        for container in pod.containers:
            for bound in ("requests", "limits"):
                assert wanted <= set(container["resources"][bound]), f"{pod.name}: {bound}"
        for volume in pod.spec.get("volumes", []):
            assert "sizeLimit" in volume.get("emptyDir", {"sizeLimit": ""}), f"{pod.name}: {volume['name']}"
        assert pod.spec["priorityClassName"].startswith("fraudstream-"), pod.name


@everywhere
def test_what_runs_on_is_probed_in_three_ways(name: str) -> None:
    for pod in pods(rendered(name)):
        if pod.owner["kind"] not in ("Deployment", "StatefulSet") and not pod.name.endswith("pipeline-driver"):
            continue
        for container in pod.containers:
            startup, ready, alive = (container[f"{kind}Probe"] for kind in ("startup", "readiness", "liveness"))
            assert action(ready) != action(alive), f"{pod.name}: a lost store would restart it"
            assert startup.get("failureThreshold", 3) * startup.get("periodSeconds", 10) >= 60, pod.name
            for probe in (startup, ready, alive):
                # Each starts a process, which costs more than a request.
                assert "exec" not in probe or probe.get("periodSeconds", 10) >= 10, pod.name


def action(probe: Manifest) -> Manifest:
    return {key: value for key, value in probe.items() if key in ("httpGet", "exec", "tcpSocket")}


@everywhere
def test_pods_behind_a_service_leave_after_callers_know(name: str) -> None:
    manifests = rendered(name)
    for pod in pods(manifests):
        behind = [
            s for s in of_kind(manifests, "Service") if selects({"matchLabels": s["spec"]["selector"]}, pod.labels)
        ]
        if behind and pod.owner["kind"] == "Deployment":
            (container,) = pod.spec["containers"]
            pause_s = container["lifecycle"]["preStop"]["sleep"]["seconds"]
            assert 0 < pause_s < pod.spec["terminationGracePeriodSeconds"], pod.name


@everywhere
def test_what_runs_more_than_once_is_spread_and_protected(name: str) -> None:
    manifests = rendered(name)
    budgets = list(of_kind(manifests, "PodDisruptionBudget"))
    for pod in pods(manifests):
        if pod.owner["kind"] != "Deployment" or pod.owner["spec"].get("replicas") == 1:
            continue
        topologies = {rule["topologyKey"] for rule in pod.spec["topologySpreadConstraints"]}
        assert topologies == {"topology.kubernetes.io/zone", "kubernetes.io/hostname"}, pod.name
        for rule in pod.spec["topologySpreadConstraints"]:
            assert selects(rule["labelSelector"], pod.labels), f"{pod.name} does not spread itself"
        assert any(selects(budget["spec"]["selector"], pod.labels) for budget in budgets), f"{pod.name} has no budget"


@everywhere
def test_objects_carry_the_labels_that_people_ask_by(name: str) -> None:
    for manifest in rendered(name):
        if manifest["kind"] == "Namespace" or manifest["metadata"]["name"].startswith(
            ("settings-", "cloud-", "public-")
        ):
            continue
        labels = manifest["metadata"].get("labels", {})
        who = f"{manifest['kind']}/{manifest['metadata']['name']}"
        assert labels.get("app.kubernetes.io/part-of") == "fraudstream", who
        assert manifest["kind"] == "PriorityClass" or "app.kubernetes.io/name" in labels, who


@everywhere
def test_every_variable_is_a_setting(name: str) -> None:
    known = {row["variable"] for row in settings.rows()}
    maps = (set(m["data"]) for m in of_kind(rendered(name), "ConfigMap"))
    own = ({v["name"] for v in c.get("env", [])} for p in pods(rendered(name)) for c in p.containers)
    named = {variable for found in (*maps, *own) for variable in found if variable.startswith("FRAUD_")}
    assert named - known == set()


@everywhere
def test_what_pods_refer_to_is_there(name: str) -> None:
    manifests = rendered(name)
    there = {(m["kind"], m["metadata"]["name"]) for m in manifests}
    for pod in pods(manifests):
        for kind, wanted in references(pod):
            assert (kind, wanted) in there, f"{pod.name} wants {kind} {wanted}"


def references(pod: Pod) -> set[tuple[str, str]]:
    """Kind and name of what a pod cannot start without; Secrets excepted, which are no part of the manifests."""
    found = {("PriorityClass", pod.spec["priorityClassName"])}
    if "serviceAccountName" in pod.spec:
        found.add(("ServiceAccount", pod.spec["serviceAccountName"]))
    for volume in pod.spec.get("volumes", []):
        if "persistentVolumeClaim" in volume:
            found.add(("PersistentVolumeClaim", volume["persistentVolumeClaim"]["claimName"]))
        if "configMap" in volume:
            found.add(("ConfigMap", volume["configMap"]["name"]))
    for container in pod.containers:
        for source in container.get("envFrom", []):
            if "configMapRef" in source:
                found.add(("ConfigMap", source["configMapRef"]["name"]))
        for variable in container.get("env", []):
            if "configMapKeyRef" in variable.get("valueFrom", {}):
                found.add(("ConfigMap", variable["valueFrom"]["configMapKeyRef"]["name"]))
    return found


@everywhere
def test_volumes_are_named_once_and_mounted(name: str) -> None:
    for pod in pods(rendered(name)):
        volumes = [volume["name"] for volume in pod.spec.get("volumes", [])]
        # A StatefulSet makes one of each template for each pod.
        volumes += [claim["metadata"]["name"] for claim in pod.owner["spec"].get("volumeClaimTemplates", [])]
        assert len(volumes) == len(set(volumes)), pod.name
        mounts = [mount for container in pod.containers for mount in container.get("volumeMounts", [])]
        assert {mount["name"] for mount in mounts} == set(volumes), pod.name
        for container in pod.containers:
            paths = [mount["mountPath"] for mount in container.get("volumeMounts", [])]
            assert len(paths) == len(set(paths)), pod.name


@pytest.mark.parametrize("name", OVERLAYS)
def test_somebody_makes_every_secret(name: str) -> None:
    manifests = rendered(name)
    made = {m["metadata"]["name"] for m in of_kind(manifests, *MADE_BY_OPERATORS)}
    made |= {f"{m['metadata']['name']}-app" for m in of_kind(manifests, "Cluster")}
    wanted = {
        source["secretKeyRef"]["name"]
        for pod in pods(manifests)
        for container in pod.containers
        for variable in container.get("env", [])
        if "secretKeyRef" in (source := variable.get("valueFrom", {}))
    }
    assert wanted <= made
    assert not list(of_kind(manifests, "Secret")), "no Secret is kept in Git"


def test_every_image_has_a_manifest_and_every_manifest_an_image() -> None:
    ours = {name for overlay in EVERYTHING for name in images(rendered(overlay)) if name.startswith("fraudstream/")}
    # Version b of the decision API is another release of the same image.
    assert ours - {"fraudstream/decision-api-b"} == {f"fraudstream/{image.name}" for image in IMAGES}


@everywhere
def test_services_and_probes_use_the_port_of_the_image(name: str) -> None:
    ports = {f"fraudstream/{image.name}": image.port for image in IMAGES if image.port}
    for pod in pods(rendered(name)):
        for container in pod.containers:
            image = container.get("image", "").rpartition(":")[0].removesuffix("-b")
            assert image not in ports or [p["containerPort"] for p in container["ports"]] == [ports[image]], pod.name


def test_every_component_is_used_by_an_overlay_or_tried_in_a_combination() -> None:
    folder = KUBERNETES / "components"
    there = {path.parent.relative_to(folder) for path in folder.rglob("kustomization.yaml")}
    used = {Path(name) for names in COMBINATIONS.values() for name in names}
    for path in (*KUBERNETES.rglob("kustomization.yaml"),):
        used |= {
            Path(line.split("components/")[1])
            for line in path.read_text().splitlines()
            if "- ../../components/" in line
        }
    own = {Path("hardening"), Path("ab/version-b")}
    assert there - used == own, "used by other components alone"


@pytest.mark.parametrize("path", kafka_objects(), ids=lambda path: path.name)
def test_objects_of_the_brokers_are_those_of_the_contracts(path: Path) -> None:
    assert read(path) == kafka_objects()[path], "run `python -m ci_cd_testing_deployment.kubernetes.kafka_objects`"
