"""The engine, and images of it as they were built."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from config import ROOT
from tests.ship.images.product.containers import TAG, docker

_HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All of the folder belongs to shipping."""
    for item in items:
        if item.path.is_relative_to(_HERE):
            item.add_marker(pytest.mark.ship)


@pytest.fixture(scope="session")
def built() -> Callable[[str], str]:
    """Tag of an image; skips where it has not been built."""
    try:
        tags = set(docker("image", "ls", "--format", "{{.Repository}}:{{.Tag}}").split())
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no container engine answers: ci_cd_testing_deployment/docker/test.sh starts one")

    def find(name: str) -> str:
        tag = f"fraudstream/{name}:{TAG}"
        if tag not in tags:
            pytest.skip(f"the engine has no image {tag}: ci_cd_testing_deployment/docker/build.sh {name}")
        return tag

    return find


@pytest.fixture(scope="session")
def syft() -> str:
    """The program that lists what an image holds."""
    program = ROOT / ".venvs" / "checkers" / "bin" / "syft"
    if not os.access(program, os.X_OK):
        pytest.skip(f"no {program.relative_to(ROOT)}: ci_cd_testing_deployment/actions/tools.sh checkers")
    return str(program)
