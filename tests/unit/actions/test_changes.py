"""A change is checked for what it can have broken."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from ci_cd_testing_deployment.actions.changes import touched_areas, touched_images
from ci_cd_testing_deployment.docker.images import IMAGES
from config import ROOT

ALL = [image.name for image in IMAGES]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("README.md", ["python"]),
        ("visualization_dashboard/frontend/package.json", ["pages"]),
        ("ci_cd_testing_deployment/terraform/stack/main.tf", ["python", "terraform"]),
        ("ci_cd_testing_deployment/kubernetes/base/settings.env", ["manifests", "python"]),
        ("ci_cd_testing_deployment/kubernetes/test.sh", ["manifests", "python", "scripts"]),
        (".github/workflows/main.yml", ["manifests", "pages", "python", "scripts", "terraform"]),
        ("Makefile", ["manifests", "pages", "python", "scripts", "terraform"]),
    ],
)
def test_areas_of_a_path(path: str, expected: list[str]) -> None:
    assert touched_areas([path]) == expected


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("README.md", []),
        ("tests/unit/actions/test_changes.py", []),
        ("model/training/fit.py", ["trainer"]),
        ("requirements/trainer.txt", ["trainer"]),
        ("visualization_dashboard/frontend/package.json", ["dashboard-web"]),
        ("storage_security/postgres/migrations/0001.sql", ["storage-jobs"]),
        ("ci_cd_testing_deployment/docker/build.sh", ALL),
    ],
)
def test_images_of_a_path(path: str, expected: list[str]) -> None:
    assert touched_images([path]) == expected


def test_what_all_of_python_imports_touches_all_images_of_python() -> None:
    assert touched_images(["config.py"]) == [image.name for image in IMAGES if image.lock]


def test_job_hears_what_the_shell_sees(tmp_path: Path) -> None:
    outputs = tmp_path / "outputs"
    shown = subprocess.run(
        [sys.executable, "-m", "ci_cd_testing_deployment.actions.changes", "HEAD", "HEAD"],
        cwd=ROOT, env={"GITHUB_OUTPUT": str(outputs), "PATH": "/usr/bin:/bin"}, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert shown == outputs.read_text() == "areas=[]\nimages=[]\n"


def test_unknown_base_is_an_error() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "ci_cd_testing_deployment.actions.changes", "no-such-commit"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode != 0
