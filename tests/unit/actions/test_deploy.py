"""A deployment puts things in their order, and the release before back where one fails."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from ci_cd_testing_deployment.actions.cluster import ClusterError, Object
from ci_cd_testing_deployment.actions.deploy import Deployment
from ci_cd_testing_deployment.actions.release import NAMES, InvalidRelease, Release, merge

DIGEST = "0123456789abcdef" * 4


def release(version: str = "1") -> Release:
    return Release(version, {name: f"registry.example/{name}@sha256:{DIGEST}" for name in NAMES})


def named(kind: str, name: str, **more: Any) -> dict[str, Any]:
    return {"kind": kind, "metadata": {"name": name, "labels": {}}, **more}


def objects_of(one: Release) -> list[dict[str, Any]]:
    job = named("Job", "migrate")
    job["metadata"]["labels"]["fraudstream.io/phase"] = "before-rollout"
    return [
        named("ConfigMap", "settings"),
        job,
        named("Deployment", "storage-sink", spec={"template": one.version}),
        named("Deployment", "decision-api", spec={"template": one.version}),
        named("Canary", "decision-api", spec={"targetRef": {"name": "decision-api"}}),
    ]


class MemoryCluster:
    """A cluster that remembers, whose job and canary end as a test says; `calls` tells what was asked, in order."""

    def __init__(self, job: str = "Complete", canary: Callable[[str], str] = lambda _: "Succeeded") -> None:
        self.objects: dict[tuple[str, str], dict[str, Any]] = {}
        self.calls: list[str] = []
        self._job, self._canary = job, canary
        self._looks = 0

    def apply(self, objects: Sequence[Object]) -> None:
        for found in objects:
            kind, name = found["kind"].lower(), found["metadata"]["name"]
            self.calls.append(f"apply {kind}/{name}")
            self.objects[kind, name] = {**self.objects.get((kind, name), {}), **copy.deepcopy(dict(found))}
        self._looks = 0

    def delete(self, kind: str, name: str) -> None:
        self.calls.append(f"delete {kind}/{name}")
        self.objects.pop((kind, name), None)

    def get(self, kind: str, name: str) -> Object | None:
        found = self.objects.get((kind, name))
        if found is None:
            return None
        if kind == "job":
            return {**found, "status": {"conditions": [{"type": self._job, "status": "True"}]}}
        if kind == "canary":
            self._look(found)
        return copy.deepcopy(found)

    def _look(self, canary: dict[str, Any]) -> None:
        """At the third look after a change it has seen the change, as a controller does in its own time."""
        self._looks += 1
        template = self.objects["deployment", canary["spec"]["targetRef"]["name"]]["spec"]["template"]
        if self._looks > 3 or "status" not in canary:
            canary["status"] = {"phase": self._canary(template), "lastAppliedSpec": template, "canaryWeight": 0}

    def wait_rolled_out(self, name: str, timeout_s: int) -> None:
        assert timeout_s > 0
        self.calls.append(f"wait {name}")


class Clock:
    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds


def deployment(cluster: MemoryCluster, said: list[str]) -> Deployment:
    clock = Clock()
    return Deployment(cluster, objects_of, said.append, clock, clock.sleep)


def test_jobs_run_after_what_they_need_and_before_what_needs_them() -> None:
    cluster = MemoryCluster()
    assert deployment(cluster, []).deploy(release())
    wanted = [
        "apply configmap/settings",
        "delete job/migrate",
        "apply job/migrate",
        "apply deployment/storage-sink",
        "wait storage-sink",
    ]
    assert [call for call in cluster.calls if call in wanted][:2] == wanted[:2]
    assert sorted(map(cluster.calls.index, wanted)) == list(map(cluster.calls.index, wanted))
    assert "wait decision-api" not in cluster.calls, "its canary is waited for"
    assert json.loads(cluster.objects["configmap", "release"]["data"]["release.json"])["version"] == "1"


def test_a_failed_job_rolls_nothing_out_and_nothing_back_on_a_first_release() -> None:
    cluster = MemoryCluster(job="Failed")
    with pytest.raises(ClusterError, match="job migrate failed"):
        deployment(cluster, []).deploy(release())
    assert ("deployment", "decision-api") not in cluster.objects


def test_a_canary_that_was_taken_back_brings_the_release_before_back() -> None:
    cluster, said = MemoryCluster(canary=lambda template: "Failed" if template == "2" else "Succeeded"), list[str]()
    assert deployment(cluster, said).deploy(release("1"))
    assert not deployment(cluster, said).deploy(release("2"))
    assert cluster.objects["deployment", "storage-sink"]["spec"]["template"] == "1"
    assert json.loads(cluster.objects["configmap", "release"]["data"]["release.json"])["version"] == "1"
    assert "going back to 1" in said
    assert any("was taken back" in line for line in said)


def test_a_canary_that_never_ends_is_a_failure_in_bounded_time() -> None:
    cluster = MemoryCluster(canary=lambda template: "Progressing" if template == "2" else "Succeeded")
    assert deployment(cluster, []).deploy(release("1"))
    said: list[str] = []
    assert not deployment(cluster, said).deploy(release("2"))
    assert any("did not end within" in line for line in said)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"decision-api": "registry.example/decision-api:latest"}, "a tag may move"),
        ({"other": f"registry.example/other@sha256:{DIGEST}"}, "there is no image other"),
        ({"decision-api": None}, "lacks decision-api"),
    ],
)
def test_a_release_names_every_image_by_its_digest(change: dict[str, str | None], reason: str) -> None:
    images = {name: value for name, value in {**release().images, **change}.items() if value is not None}
    with pytest.raises(InvalidRelease, match=reason):
        Release.parse(json.dumps({"version": "1", "images": images}))
    with pytest.raises(InvalidRelease, match="not a release"):
        Release.parse("[]")


def test_digests_of_single_builds_become_a_release(tmp_path: Any) -> None:
    for name, reference in release().images.items():
        (tmp_path / f"digest-{name}").mkdir()
        (tmp_path / f"digest-{name}" / f"{name}.digest").write_text(reference + "\n")
    assert merge("1", tmp_path) == release()
    assert Release.parse(release().dump()) == release()
