"""Each checker finds nothing in what ships, and something in what is wrong."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from config import ROOT

pytestmark = [pytest.mark.ship, pytest.mark.timeout(900)]

CHECK = Path("ci_cd_testing_deployment/actions/check.sh")
CACHE = ROOT / os.environ.get("FRAUD_SHIP_CACHE", ".cache/ship")
LINE = re.compile(
    r"^(?P<name>[\w-]+) +(?P<files>\d+) files +(?P<result>ok|FOUND) +(?P<seconds>[\d.]+) s$", re.MULTILINE
)
QUICK = ("hadolint", "shellcheck", "actionlint", "zizmor", "kubeconform", "kube-score")
SLOW = ("checkov", "tflint")

WORKFLOW = ".github/workflows/wrong.yml"
OVERLAY = "ci_cd_testing_deployment/kubernetes/overlays/wrong/kustomization.yaml"
PATCH = """
resources: [../dev]
patches:
- patch: |
    apiVersion: apps/v1
    kind: Deployment
    metadata: {name: decision-api, namespace: fraudstream}
    spec: """
INJECTION = """
on: pull_request_target
jobs:
  a:
    runs-on: ubuntu-24.04
    steps:
    - run: echo ${{ github.event.pull_request.title }}
"""
PRIVILEGED = "{template: {spec: {containers: [{name: decision-api, securityContext: {privileged: true}}]}}}"
WRONG = {
    "hadolint": ("wrong.Dockerfile", "FROM debian\nMAINTAINER me\n"),
    "shellcheck": ("wrong.sh", "#!/usr/bin/env bash\nrm -rf $1/\n"),
    "actionlint": (WORKFLOW, "on: push\njobs:\n  a:\n    runs-on: ubuntu-24.04\n    needs: b\n"),
    "zizmor": (WORKFLOW, INJECTION),
    "kubeconform": (OVERLAY, PATCH + "{replikas: 2}"),
    "kube-score": (OVERLAY, PATCH + PRIVILEGED),
}


def check(root: Path, *names: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "FRAUD_SHIP_CACHE": str(CACHE)}
    return subprocess.run([root / CHECK, *names], env=env, capture_output=True, text=True, check=False, timeout=800)


@pytest.mark.parametrize(
    "name", [*(pytest.param(name, marks=pytest.mark.smoke) for name in QUICK), *SLOW]
)  # fmt: skip
def test_nothing_is_found_in_what_ships(name: str) -> None:
    done = check(ROOT, name)
    assert done.returncode == 0, done.stderr
    match = LINE.search(done.stdout)
    assert match
    assert (match["name"], match["result"]) == (name, "ok")
    assert int(match["files"]) > 2


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the repository, with the tools of this one."""
    root = tmp_path_factory.mktemp("elsewhere") / "repository"
    subprocess.run(["git", "clone", "--quiet", "--shared", ROOT, root], check=True, timeout=60)
    (root / ".venvs").symlink_to(ROOT / ".venvs")
    return root


@pytest.mark.smoke
@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_found(name: str, elsewhere: Path) -> None:
    path = elsewhere / WRONG[name][0]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(WRONG[name][1])
    try:
        done = check(elsewhere, name)
    finally:
        path.unlink()
        if not any(path.parent.iterdir()):
            path.parent.rmdir()
    assert done.returncode == 1
    match = LINE.search(done.stdout)
    assert match
    assert match["result"] == "FOUND"
    assert "wrong" in done.stderr


def test_checker_that_is_not_known_is_refused() -> None:
    done = check(ROOT, "no-such-checker")
    assert done.returncode == 2
    assert "there are hadolint" in done.stderr
