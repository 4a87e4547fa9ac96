"""Docker Compose's own loader takes the stack's file, and does not start it without passwords."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any, Final

import pytest

from config import CACHE_DIR, ROOT

pytestmark = [pytest.mark.ship, pytest.mark.smoke]
_FOLDER: Final = ROOT / "ci_cd_testing_deployment" / "docker"
_CHECK: Final = ROOT / os.environ.get("FRAUD_SHIP_CACHE", str(CACHE_DIR / "ship")) / "bin" / "compose-check"
_PASSWORDS: Final = {
    f"{name}_PASSWORD": f"secret-of-{name}".lower() for name in ("REDIS", "POSTGRES", "ELASTIC", "GRAFANA")
}


def _load(environment: dict[str, str], path: Path = _FOLDER / "compose.yaml") -> subprocess.CompletedProcess[str]:
    if not _CHECK.exists():
        pytest.skip(f"no {_CHECK.name}: ci_cd_testing_deployment/docker/test.sh builds it")
    return subprocess.run([_CHECK, path], env=environment, capture_output=True, text=True, check=False, timeout=60)


@pytest.fixture(scope="module")
def stack() -> dict[str, Any]:
    loaded = _load(_PASSWORDS)
    assert loaded.returncode == 0, loaded.stderr
    found: dict[str, Any] = json.loads(loaded.stdout)
    return found


def test_password_reaches_the_server_and_those_who_log_in(stack: dict[str, Any]) -> None:
    services = stack["services"]
    password = _PASSWORDS["POSTGRES_PASSWORD"]
    assert services["postgres"]["environment"]["POSTGRES_PASSWORD"] == password
    for name in ("migrate", "sink", "decision-api", "dashboard-api"):
        assert (
            services[name]["environment"]["FRAUD_POSTGRES_DSN"]
            == f"postgresql://fraud:{password}@postgres:5432/fraudstream"
        )
    assert services["redis"]["command"][-1] == _PASSWORDS["REDIS_PASSWORD"]
    assert "FRAUD_POSTGRES_DSN" not in services["pipeline"]["environment"]


def test_program_that_serves_holds_models_it_cannot_change(stack: dict[str, Any]) -> None:
    mounts = {
        name: mount.get("read_only", False)
        for name, service in stack["services"].items()
        for mount in service.get("volumes") or ()
        if mount["source"] == "models"
    }
    assert mounts == {"decision-api": True, "pipeline": True, "trainer": False}


def test_refused_without_a_password() -> None:
    loaded = _load({})
    assert loaded.returncode == 1
    assert "_PASSWORD is missing a value: compose.sh makes it" in loaded.stderr


def test_refused_with_a_dependency_that_is_not_there(tmp_path: Path) -> None:
    """The loader looks at references, so that a file it takes has none that lead nowhere."""
    path = tmp_path / "compose.yaml"
    path.write_text("name: x\nservices: {a: {image: a, depends_on: [b]}}\n")
    loaded = _load({}, path)
    assert loaded.returncode == 1
    assert 'depends on undefined service "b"' in loaded.stderr


def test_script_makes_passwords_once_and_for_the_owner_alone(tmp_path: Path) -> None:
    """Docker is played by a script that prints what it was asked."""
    docker = tmp_path / "bin" / "docker"
    docker.parent.mkdir()
    docker.write_text('#!/bin/sh\necho "$@"\n')
    docker.chmod(0o755)
    script = tmp_path / "a" / "b" / "compose.sh"
    script.parent.mkdir(parents=True)
    script.write_bytes((_FOLDER / "compose.sh").read_bytes())
    environment = {"PATH": f"{docker.parent}:{os.environ['PATH']}"}

    def call() -> str:
        return subprocess.run(
            ["bash", script, "up"], env=environment, capture_output=True, text=True, check=True
        ).stdout

    asked = call()
    made = tmp_path / ".run" / "compose.env"
    first = made.read_text()
    assert asked.split() == ["compose", "--env-file", str(made), "--file", str(script.parent / "compose.yaml"), "up"]
    assert made.stat().st_mode & 0o777 == 0o600
    passwords = dict(line.split("=") for line in first.splitlines())
    assert passwords.keys() == _PASSWORDS.keys()
    assert len(set(passwords.values())) == len(passwords)
    assert {len(password) for password in passwords.values()} == {48}
    call()
    assert made.read_text() == first
