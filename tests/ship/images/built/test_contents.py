"""What is in an image: its lock and no other package, no installer, no program with more rights than who starts it."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Callable
from typing import Any, Final

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from ci_cd_testing_deployment.docker.images import IMAGES, Image
from config import ROOT
from tests.ship.images.product.containers import docker

pytestmark = pytest.mark.timeout(600)
_IN_THE_IMAGE: Final = {"python_version": "3.11", "python_full_version": "3.11.2", "sys_platform": "linux"}
_BY_PYTHON: Final = [
    pytest.param(found, id=found.name, marks=[pytest.mark.smoke] if found.name == "decision-api" else [])
    for found in IMAGES
    if found.lock
]


def locked(name: str) -> dict[str, str]:
    """Version of each package of a lock that a Python of the images installs."""
    text = (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8")
    found: dict[str, str] = {}
    for line in re.findall(r"^[a-z0-9][^\s#]*==[^\\\n]+", text, re.MULTILINE):
        wanted = Requirement(line.strip())
        if wanted.marker is None or wanted.marker.evaluate(_IN_THE_IMAGE):
            found[canonicalize_name(wanted.name)] = next(iter(wanted.specifier)).version
    return found


def listed(syft: str, tag: str) -> dict[str, str]:
    """Version of each Python package that the bill of materials of an image names."""
    written = subprocess.run(
        [syft, "scan", f"docker:{tag}", "--output", "cyclonedx-json", "--quiet", "--override-default-catalogers", "python"],
        capture_output=True, text=True, check=True, timeout=400, env={**os.environ, "SYFT_CHECK_FOR_APP_UPDATE": "false"},
    ).stdout  # fmt: skip
    bill: dict[str, Any] = json.loads(written)
    assert bill["bomFormat"] == "CycloneDX"
    return {
        canonicalize_name(component["name"]): component["version"]
        for component in bill["components"]
        if component.get("purl", "").startswith("pkg:pypi/")
    }


@pytest.mark.parametrize("made", _BY_PYTHON)
def test_bill_of_materials_is_the_lock(made: Image, built: Callable[[str], str], syft: str) -> None:
    assert made.lock is not None
    assert listed(syft, built(made.name)) == locked(made.lock)


@pytest.mark.parametrize("name", [found.name for found in IMAGES])
def test_nothing_installs_packages(name: str, built: Callable[[str], str]) -> None:
    look = "command -v pip pip3 easy_install uv npm npx gcc; find /usr /opt -xdev -type d -name pip -o -name setuptools"
    found = docker("run", "--rm", "--network=none", "--entrypoint=sh", built(name), "-c", f"{look}; true")
    assert found == ""


@pytest.mark.parametrize("name", [found.name for found in IMAGES])
def test_user_has_a_name_and_no_shell(name: str, built: Callable[[str], str]) -> None:
    found = docker(
        "run", "--rm", "--network=none", "--entrypoint=sh", built(name), "-c", "id -un; id -u; grep 10001 /etc/passwd"
    )
    assert found.splitlines() == ["fraudstream", "10001", "fraudstream:x:10001:10001::/tmp:/usr/sbin/nologin"]
