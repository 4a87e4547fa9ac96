"""Deploy a release to the environment of the current kubectl context, and go back by itself where it fails.

`python -m ci_cd_testing_deployment.actions.deploy ENVIRONMENT RELEASE.json`

First what the jobs need, then the jobs that come before a roll-out (topics, migrations), then everything; then it waits
for Deployments and canaries. Where any of it fails, the release before is applied again, without jobs, as migrations only
add. What is deployed stands in the ConfigMap `release`.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import yaml

from ci_cd_testing_deployment.actions.cluster import Cluster, ClusterError, Kubectl, Object
from ci_cd_testing_deployment.actions.release import InvalidRelease, Release
from config import ROOT

KUBERNETES: Final = ROOT / "ci_cd_testing_deployment" / "kubernetes"
NAMESPACE: Final = "fraudstream"
RECORD: Final = "release"
# What a job before the roll-out may mount, name or wait for.
_FOUNDATION: Final = {
    "Namespace", "ServiceAccount", "ConfigMap", "Secret", "PersistentVolumeClaim", "PriorityClass", "ExternalSecret",
    "NetworkPolicy", "Role", "RoleBinding",
}  # fmt: skip
_JOB_S: Final = 900
_ROLL_OUT_S: Final = 900
# Five steps of a minute each, the promotion, and the first start.
_CANARY_S: Final = 1_800
_POLL_S: Final = 2.0

Say = Callable[[str], None]


def render(environment: str, release: Release, kustomize: str = "kustomize") -> list[dict[str, Any]]:
    """Objects of the environment's overlay with the release's images. Raises ClusterError where it cannot be built."""
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "kubernetes"
        for part in ("base", "components", "overlays"):
            shutil.copytree(KUBERNETES / part, tree / part)
        overlay = tree / "overlays" / environment
        images = [f"fraudstream/{name}={reference}" for name, reference in sorted(release.images.items())]
        _run([kustomize, "edit", "set", "image", *images], overlay)
        shown = _run([kustomize, "build", "."], overlay)
    return [found for found in yaml.safe_load_all(shown) if found]


def _run(command: Sequence[str], folder: Path) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=120)
    if done.returncode != 0:
        raise ClusterError(f"{command[0]} {command[1]}: {done.stderr.strip()}")
    return done.stdout


def is_before_roll_out(found: Object) -> bool:
    return bool(found["metadata"].get("labels", {}).get("fraudstream.io/phase") == "before-rollout")


class Deployment:
    """One environment. `clock_s` and `sleep` are the clock that waits go by."""

    def __init__(
        self,
        cluster: Cluster,
        build: Callable[[Release], Sequence[Object]],
        say: Say,
        clock_s: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._cluster, self._build, self._say = cluster, build, say
        self._clock_s, self._sleep = clock_s, sleep

    def deploy(self, release: Release) -> bool:
        """True where the release serves; False where the one before serves again. Raises ClusterError where neither."""
        before = self._deployed()
        objects = self._build(release)
        try:
            self._prepare(objects)
            self._roll_out(objects)
        except ClusterError as error:
            self._say(f"release {release.version} failed: {error}")
            if before is None:
                raise
            self._say(f"going back to {before.version}")
            self._roll_out(self._build(before))
            return False
        self._record(release)
        self._say(f"release {release.version} serves")
        return True

    def _prepare(self, objects: Sequence[Object]) -> None:
        self._cluster.apply([found for found in objects if found["kind"] in _FOUNDATION])
        jobs = [found for found in objects if is_before_roll_out(found) and found["kind"] == "Job"]
        for job in jobs:
            self._cluster.delete("job", job["metadata"]["name"])  # a Job cannot be changed
        self._cluster.apply([found for found in objects if is_before_roll_out(found)])
        for job in jobs:
            self._await_job(job["metadata"]["name"])

    def _await_job(self, name: str) -> None:
        self._say(f"waiting for {name}")

        def is_done() -> bool:
            job = self._cluster.get("job", name)
            conditions = {
                c["type"] for c in (job or {}).get("status", {}).get("conditions", ()) if c["status"] == "True"
            }
            if "Failed" in conditions:
                raise ClusterError(f"job {name} failed: kubectl -n {NAMESPACE} logs job/{name} says why")
            return "Complete" in conditions

        self._await(is_done, _JOB_S, f"job {name}")

    def _roll_out(self, objects: Sequence[Object]) -> None:
        rest = [found for found in objects if not (is_before_roll_out(found) and found["kind"] == "Job")]
        targets = {
            found["metadata"]["name"]: found["spec"]["targetRef"]["name"] for found in rest if found["kind"] == "Canary"
        }
        seen = {canary: self._trial(canary, target) for canary, target in targets.items()}
        self._cluster.apply(rest)
        for found in rest:
            name = found["metadata"]["name"]
            if found["kind"] == "Deployment" and name not in targets.values():
                self._say(f"waiting for {name}")
                self._cluster.wait_rolled_out(name, _ROLL_OUT_S)
        for canary, target in targets.items():
            self._await_canary(canary, target, *seen[canary])

    def _trial(self, canary: str, target: str) -> tuple[Any, Any]:
        """The pods that the Deployment wants, and the ones that the canary has tried last."""
        deployment, status = self._cluster.get("deployment", target), self._status(canary)
        return (deployment or {}).get("spec", {}).get("template"), status.get("lastAppliedSpec")

    def _status(self, canary: str) -> Object:
        return dict((self._cluster.get("canary", canary) or {}).get("status", {}))

    def _await_canary(self, canary: str, target: str, template: Any, tried: Any) -> None:
        self._say(f"waiting for the canary {canary}")
        is_changed = self._trial(canary, target)[0] != template
        shown = [""]

        def is_done() -> bool:
            status = self._status(canary)
            if is_changed and tried is not None and status.get("lastAppliedSpec") == tried:
                return False  # what it says is about the release before
            phase, weight = status.get("phase", ""), status.get("canaryWeight", 0)
            if f"{phase} {weight}" != shown[0]:
                shown[0] = f"{phase} {weight}"
                self._say(f"canary {canary}: {phase or 'new'}, {weight} % of the callers")
            if phase == "Failed":
                raise ClusterError(f"canary {canary} was taken back: kubectl -n {NAMESPACE} describe canary {canary}")
            return phase in {"Succeeded", "Initialized"}

        self._await(is_done, _CANARY_S, f"canary {canary}")

    def _await(self, is_done: Callable[[], bool], timeout_s: float, what: str) -> None:
        end_s = self._clock_s() + timeout_s
        while not is_done():
            if self._clock_s() > end_s:
                raise ClusterError(f"{what} did not end within {timeout_s:.0f} s")
            self._sleep(_POLL_S)

    def _deployed(self) -> Release | None:
        found = self._cluster.get("configmap", RECORD)
        return None if found is None else Release.parse(found["data"]["release.json"])

    def _record(self, release: Release) -> None:
        labels = {"app.kubernetes.io/part-of": "fraudstream", "app.kubernetes.io/name": RECORD}
        metadata = {"name": RECORD, "namespace": NAMESPACE, "labels": labels}
        data = {"release.json": release.dump()}
        self._cluster.apply([{"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}])


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="deploy", description="Deploy a release to the current context's cluster.")
    parser.add_argument("environment", choices=["dev", "staging", "production"])
    parser.add_argument("release", type=Path, help="JSON with the digest of each image")
    parser.add_argument("--render", action="store_true", help="print the objects and change nothing")
    given = parser.parse_args(arguments)
    try:
        release = Release.parse(given.release.read_text(encoding="utf-8"))
        if given.render:
            print(yaml.safe_dump_all(render(given.environment, release), sort_keys=False))
            return 0
        deployment = Deployment(
            Kubectl(NAMESPACE), lambda one: render(given.environment, one), lambda line: print(line, flush=True)
        )
        return 0 if deployment.deploy(release) else 1
    except (InvalidRelease, ClusterError, OSError) as error:
        sys.exit(f"deploy: {error}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
