"""A machine that lacks something is told what, and how to get it, in one sentence."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from config import ROOT

SCRIPT = ROOT / "ci_cd_testing_deployment" / "actions" / "prerequisites.sh"
TOOLS = ("bash", "sed", "ls", "grep", "env")
Machine = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """Run the script with a PATH that holds shell tools and the programs given as name=what it prints."""
    for tool in TOOLS:
        found = shutil.which(tool)
        assert found is not None
        (tmp_path / tool).symlink_to(found)
    (tmp_path / "python3.11").symlink_to(Path(sys.executable).resolve())

    def run(*arguments: str, **programs: str) -> subprocess.CompletedProcess[str]:
        for name, output in programs.items():
            program = tmp_path / name.replace("_", "-")
            program.write_text(f"#!/bin/sh\necho '{output}' >&2\necho '{output}'\n")
            program.chmod(0o755)
        return subprocess.run(
            [str(SCRIPT), *arguments], env={"PATH": str(tmp_path)}, capture_output=True, text=True, check=False
        )

    return run


COMPLETE = {"java": 'openjdk version "17.0.1"', "mvn": "", "node": "v20.19.0", "npm": "", "redis_server": ""}


def without(name: str) -> dict[str, str]:
    return {key: value for key, value in COMPLETE.items() if key != name}


def test_complete_machine_is_told_nothing(machine: Machine) -> None:
    done = machine("check", sys.executable, **COMPLETE)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("version", ["v20.19.0", "v20.20.1", "v22.13.0", "v24.0.0", "v25.1.0"])
def test_node_s_long_lived_versions_are_enough(machine: Machine, version: str) -> None:
    assert machine("node", **COMPLETE | {"node": version}).returncode == 0


@pytest.mark.parametrize(
    ("programs", "sentence"),
    [
        (without("java"), "Java 17 or newer is needed: install it"),
        (COMPLETE | {"java": 'openjdk version "11.0.2"'}, "Java 17 or newer is needed: install it"),
        (without("mvn"), "Maven is needed"),
        (without("node"), "Node.js 20.19, 22.13, 24 or newer is needed: install it"),
        *(
            (COMPLETE | {"node": old}, "Node.js 20.19, 22.13, 24")
            for old in ("v18.19.0", "v20.18.3", "v22.5.1", "v23.9.0")
        ),
        (without("npm"), "npm is needed beside Node.js: install it"),
    ],
)
def test_what_is_missing_is_named_with_its_cure(machine: Machine, programs: dict[str, str], sentence: str) -> None:
    done = machine("check", sys.executable, **programs)
    assert done.returncode == 1
    assert done.stderr.startswith(f"make: {sentence}")
    assert done.stderr.count("\n") == 1


def test_unsuitable_python_is_refused(machine: Machine, tmp_path: Path) -> None:
    old = tmp_path / "python3.8"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    done = machine("check", str(old), **COMPLETE)
    assert done.returncode == 1
    assert "is not Python 3.11, 3.12 or 3.13" in done.stderr


def test_redis_may_be_missing_only_where_a_wheel_has_it(machine: Machine) -> None:
    done = machine("check", sys.executable, **without("redis_server"))
    if sys.version_info[:2] == (3, 11):
        assert done.returncode == 0
    else:
        assert done.returncode == 1
        assert "redis-server is missing" in done.stderr


def test_missing_redis_is_listed(machine: Machine) -> None:
    assert "redis" in machine("servers", **without("redis_server")).stdout.split()
    assert "redis" not in machine("servers", **COMPLETE).stdout.split()
