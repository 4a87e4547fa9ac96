"""The operators' layer: a table of pinned sources, and a script that applies nothing that nobody has looked at."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml

from ci_cd_testing_deployment.kubernetes.test_cluster import crds
from config import ROOT

PLATFORM = ROOT / "ci_cd_testing_deployment" / "kubernetes" / "platform"


class Operator(NamedTuple):
    name: str
    version: str
    namespace: str
    kind: str
    source: str


OPERATORS = [
    Operator(*line.split())
    for line in (PLATFORM / "operators.txt").read_text().splitlines()
    if line and not line.startswith("#")
]


class Desk:
    """A machine with the script, files in its cache, and a kubectl and a helm that write down how they are called."""

    def __init__(self, folder: Path) -> None:
        self.calls, self.lock, self.cache = folder / "calls", folder / "operators.lock", folder / "platform"
        self.cache.mkdir()
        for operator in OPERATORS:
            self.file(operator).write_text(f"kind: Deployment\n# {operator.name}\n")
        tools = folder / "tools"
        tools.mkdir()
        for tool in ("kubectl", "helm"):
            (tools / tool).write_text(f'#!/bin/sh\necho "{tool} $*" >>{self.calls}\n[ {tool} = kubectl ] || cat "$3"\n')
            (tools / tool).chmod(0o755)
        self._environment = {
            **os.environ,
            "PATH": f"{tools}:{os.environ['PATH']}",
            "FRAUD_SHIP_CACHE": str(folder),
            "FRAUD_PLATFORM_LOCK": str(self.lock),
        }

    def file(self, operator: Operator) -> Path:
        suffix = "tgz" if operator.kind == "chart" else "yaml"
        return self.cache / f"{operator.name}-{operator.version}.{suffix}"

    def write_lock(self) -> None:
        digests = {o: hashlib.sha256(self.file(o).read_bytes()).hexdigest() for o in OPERATORS}
        self.lock.write_text("".join(f"{o.name} {o.version} {digest}\n" for o, digest in digests.items()))

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [str(PLATFORM / "apply.sh"), *arguments]
        return subprocess.run(command, env=self._environment, capture_output=True, text=True, timeout=60, check=False)

    def applied(self) -> list[str]:
        """Names of the operators whose manifests were applied, in order."""
        calls = self.calls.read_text() if self.calls.exists() else ""
        return re.findall(r"^kubectl apply .* --namespace .*/([\w-]+)\.yaml$", calls, re.MULTILINE)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_every_operator_is_applied_in_the_order_of_the_table(desk: Desk) -> None:
    desk.write_lock()
    done = desk.run("apply")
    assert done.returncode == 0, done.stderr
    assert desk.applied() == [operator.name for operator in OPERATORS]


def test_nothing_is_applied_without_a_lock(desk: Desk) -> None:
    done = desk.run("apply")
    assert done.returncode == 1
    assert "apply.sh lock" in done.stderr
    assert not desk.calls.exists()


def test_a_file_that_is_not_the_locked_one_is_refused(desk: Desk) -> None:
    desk.write_lock()
    changed = OPERATORS[2]
    desk.file(changed).write_text("kind: Deployment\n# something else\n")
    done = desk.run("apply")
    assert done.returncode == 1
    assert f"{changed.name} {changed.version} is not the file that was locked" in done.stderr
    assert desk.applied() == [operator.name for operator in OPERATORS[:2]]


def test_a_version_that_nobody_locked_is_refused(desk: Desk) -> None:
    desk.write_lock()
    first = OPERATORS[0]
    desk.lock.write_text(desk.lock.read_text().replace(f"{first.name} {first.version}", f"{first.name} 0.0.1"))
    done = desk.run("apply", first.name)
    assert done.returncode == 1
    assert f"does not know {first.name} {first.version}" in done.stderr


def test_a_dry_run_changes_nothing_and_waits_for_nothing(desk: Desk) -> None:
    desk.write_lock()
    assert desk.run("apply", "--dry-run", "keda", "strimzi").returncode == 0
    calls = [call for call in desk.calls.read_text().splitlines() if call.startswith("kubectl")]
    assert calls
    assert all(call.startswith("kubectl apply ") and "--dry-run=server" in call for call in calls)
    assert desk.applied() == ["strimzi", "keda"]


def test_a_name_that_is_no_operator_is_told(desk: Desk) -> None:
    desk.write_lock()
    done = desk.run("apply", "kdea")
    assert done.returncode == 1
    assert "no operator kdea" in done.stderr
    assert "keda" in done.stderr


@pytest.mark.parametrize("operator", OPERATORS, ids=lambda operator: operator.name)
def test_source_names_the_version_of_the_table_and_is_read_over_tls(operator: Operator) -> None:
    assert operator.source.startswith("https://")
    assert operator.version in operator.source
    assert operator.kind in {"manifest", "chart"}
    assert (PLATFORM / operator.name / "values.yaml").is_file() == (operator.kind == "chart")


def test_every_namespace_of_an_operator_is_restricted() -> None:
    made = {doc["metadata"]["name"]: doc for doc in yaml.safe_load_all((PLATFORM / "namespaces.yaml").read_text())}
    assert made.keys() == {operator.namespace for operator in OPERATORS} - {"kube-system"}
    for namespace in made.values():
        assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"


def test_manifests_are_held_against_the_versions_that_are_applied() -> None:
    applied = {operator.name: operator.version for operator in OPERATORS}
    tried = {name: source.module.partition("@v")[2] for name, source in crds.OPERATORS.items()}
    # The chart of Prometheus brings its operator under a version of its own.
    assert tried.keys() - applied.keys() == {"prometheus-operator"}
    assert {name: version for name, version in tried.items() if applied.get(name, version) != version} == {}
