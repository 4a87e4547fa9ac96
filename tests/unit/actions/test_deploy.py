"""A release is applied in order, and taken back where it does not come up. The cluster's answers are played."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ci_cd_testing_deployment.actions.release import PHASES, Incomplete, gather, phase, render
from ci_cd_testing_deployment.docker.images import IMAGES
from config import ROOT

DEPLOY = ROOT / "ci_cd_testing_deployment" / "actions" / "deploy.sh"
REGISTRY = "registry.example/fraudstream-dev"
DIGEST = f"sha256:{'a' * 64}"
SOURCES = {image.name: f"built.example/{image.name}@{DIGEST}" for image in IMAGES}
RELEASE = {"revision": "r1", "images": SOURCES}

CLUSTER = """#!/usr/bin/env bash
# Writes down what it is asked; what a test put into a file named like the question is the answer.
set -euo pipefail
[ "$1" != kustomize ] || exec "$REAL_KUBECTL" "$@"
[ "$1" != --namespace ] || shift 2
if [ "$1" = create ]; then exec "$REAL_KUBECTL" --namespace fraudstream "$@"; fi
file=${*: -1}
if [ "$1" = apply ] && [ "$file" = - ]; then
    name=$(tee "$CLUSTER/applied" | sed -n 's/^  name: //p')
    sed -n 's/^  manifests.tgz: //p' "$CLUSTER/applied" >"$CLUSTER/configmap $name"
    echo "kept $name" >>"$CLUSTER/asked"
    exit
fi
echo "$1 ${2##*/} ${file##*/}" >>"$CLUSTER/asked"
case "$*" in
"get configmap"*) cat "$CLUSTER/configmap $3" 2>/dev/null ;;
"get jobs"*) cat "$CLUSTER/jobs" ;;
"get deployments"*) echo deployment.apps/decision-api ;;
"get canaries"* | "get sparkapplications"*) echo '{"items": []}' ;;
"rollout status"*) [ ! -e "$CLUSTER/broken" ] || { rm "$CLUSTER/broken"; exit 1; } ;;
esac
"""
DONE = {"items": [{"status": {"conditions": [{"type": "Complete", "status": "True"}]}}]}
FAILED = {"items": [{"status": {"conditions": [{"type": "Failed", "status": "True"}]}}]}

needs_kubectl = pytest.mark.skipif(
    shutil.which("kubectl") is None, reason="kubectl, which renders manifests, is missing"
)


class Cluster:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "kubectl").write_text(CLUSTER)
        (folder / "kubectl").chmod(0o755)
        (folder / "release.json").write_text(json.dumps(RELEASE))
        self.answer("jobs", DONE)

    def answer(self, name: str, answer: object = "") -> None:
        (self.folder / name).write_text(json.dumps(answer))

    def deploy(self, *words: str) -> tuple[int, list[str], str]:
        """Exit code, what was done to the cluster, and what the script said."""
        (self.folder / "asked").write_text("")
        env = {
            **os.environ,
            "PATH": f"{self.folder}:{os.environ['PATH']}",
            "CLUSTER": str(self.folder),
            "REAL_KUBECTL": str(shutil.which("kubectl")),
            "PYTHON": sys.executable,
            "FRAUD_JOBS_TIMEOUT_S": "4",
            "FRAUD_ROLLOUT_TIMEOUT_S": "20",
        }
        done = subprocess.run([DEPLOY, *words], env=env, capture_output=True, text=True, check=False, timeout=120)
        asked = (self.folder / "asked").read_text().splitlines()
        return done.returncode, [line for line in asked if not line.startswith("get ")], done.stderr

    def apply(self) -> tuple[int, list[str], str]:
        return self.deploy("apply", "dev", str(self.folder / "release.json"), REGISTRY)


@pytest.fixture
def cluster(tmp_path: Path) -> Cluster:
    return Cluster(tmp_path)


ROLL_OUT = ["apply --server-side 1-first.yaml", "delete jobs --wait", "apply --server-side 2-jobs.yaml"]
REST = ["apply --server-side 3-rest.yaml", "rollout status 20s"]


@needs_kubectl
def test_release_is_applied_in_order_and_kept(cluster: Cluster) -> None:
    code, asked, errors = cluster.apply()
    assert code == 0, errors
    assert asked == [*ROLL_OUT, *REST, "kept release-current"]


@needs_kubectl
def test_failed_migration_stops_the_release_before_anything_runs_on_it(cluster: Cluster) -> None:
    cluster.answer("jobs", FAILED)
    code, asked, errors = cluster.apply()
    assert code == 1
    assert asked == ROLL_OUT
    assert "a job before the roll-out failed" in errors
    assert "there is no release to go back to" in errors


@needs_kubectl
def test_jobs_are_waited_for_no_longer_than_allowed(cluster: Cluster) -> None:
    cluster.answer("jobs", {"items": [{"status": {}}]})
    code, asked, errors = cluster.apply()
    assert code == 1
    assert asked == ROLL_OUT
    assert "not done after 4 s" in errors


@needs_kubectl
def test_release_that_does_not_come_up_is_taken_back(cluster: Cluster) -> None:
    assert cluster.apply()[0] == 0
    (cluster.folder / "broken").touch()
    code, asked, errors = cluster.apply()
    assert code == 1
    assert asked == [*ROLL_OUT, *REST, *ROLL_OUT, *REST, "kept release-current"]
    assert "the release before is back" in errors


@needs_kubectl
def test_person_goes_back_to_what_was_applied_before_the_last_release(cluster: Cluster) -> None:
    assert cluster.apply()[0] == 0
    code, asked, errors = cluster.deploy("back")
    assert (code, asked) == (1, []), "one release has none before it"
    code, asked, errors = cluster.apply()
    assert (code, asked[-2:]) == (0, ["kept release-before", "kept release-current"]), errors
    code, asked, errors = cluster.deploy("back")
    assert code == 0, errors
    assert asked == [*ROLL_OUT, *REST, "kept release-current"]


@needs_kubectl
@pytest.mark.parametrize("environment", ["dev", "staging", "production"])
def test_every_image_of_the_product_is_known_by_digest(environment: str) -> None:
    manifests = render(environment, RELEASE, REGISTRY)
    text = json.dumps(manifests)
    assert "fraudstream/" not in text.replace(REGISTRY, "") or ":dev" not in text
    assert f"{REGISTRY}/pipeline@{DIGEST}" in text
    jobs = {m["metadata"]["name"] for m in manifests if phase(m) == PHASES[1]}
    assert {"migrate", "topics"} & jobs
    assert all(m["kind"] == "Job" for m in manifests if phase(m) == PHASES[1])


@needs_kubectl
def test_release_without_an_image_is_not_rendered() -> None:
    images = {name: source for name, source in SOURCES.items() if name != "pipeline"}
    with pytest.raises(Incomplete, match="fraudstream/pipeline:dev"):
        render("dev", {"revision": "r1", "images": images}, REGISTRY)


def test_parts_of_one_revision_make_a_release(tmp_path: Path) -> None:
    for image in IMAGES:
        part = {"image": image.name, "source": f"built.example/{image.name}@{DIGEST}", "revision": "r1"}
        (tmp_path / f"{image.name}.json").write_text(json.dumps(part))
    assert gather(tmp_path) == RELEASE
    stranger = tmp_path / f"{IMAGES[0].name}.json"
    stranger.write_text(stranger.read_text().replace('"r1"', '"r2"'))
    with pytest.raises(Incomplete, match="2 revisions: r1, r2"):
        gather(tmp_path)
    stranger.unlink()
    with pytest.raises(Incomplete, match=f"no digest of {IMAGES[0].name}"):
        gather(tmp_path)
