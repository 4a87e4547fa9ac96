"""The command line: what it prints, and its codes of exit."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner, Result

from ci_cd_testing_deployment.ab_testing.__main__ import app
from ci_cd_testing_deployment.ab_testing.route import Versions
from tests.unit.ab_testing.conftest import kubectl, plain_route


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Holds a route as a cluster does."""
    kubectl(plain_route(), tmp_path)
    return tmp_path


def run(folder: Path, *words: str) -> Result:
    return CliRunner().invoke(app, ["--kubectl", f"{sys.executable} {folder / 'kubectl.py'}", *words])


def test_an_experiment_by_hand(folder: Path) -> None:
    said = [run(folder, *line.split()).output for line in ("start --weight 5", "ramp --weight 25", "rollback", "stop")]
    assert said == ["weight 5\n", "weight 25\n", "weight 0\n", "no experiment runs\n"]
    held = json.loads((folder / "httproute-decision-api.json").read_text())
    assert held["spec"]["rules"] == Versions().plain_rules("/v1/decisions")


def test_a_dry_run_says_so(folder: Path) -> None:
    before = (folder / "httproute-decision-api.json").read_text()
    assert run(folder, "--dry-run", "start").output == "weight 1 (dry run: nothing changed)\n"
    assert (folder / "httproute-decision-api.json").read_text() == before


def test_what_is_wrong_is_one_sentence(folder: Path) -> None:
    result = run(folder, "promote")
    assert (result.exit_code, result.stderr) == (1, "ab_testing: no experiment runs: `start` one\n")


def test_status_without_measurements_holds(folder: Path) -> None:
    assert run(folder, "status").output == "no experiment runs\n"
    run(folder, "start", "--weight", "5")
    result = run(folder, "status", "--prometheus", "http://127.0.0.1:9")
    assert result.exit_code == 2
    assert result.output.splitlines()[-1].startswith("hold: Prometheus is unavailable")


def test_auto_does_not_run_dry(folder: Path) -> None:
    assert run(folder, "--dry-run", "auto").exit_code == 1


def test_a_rendered_route_is_a_manifest(folder: Path) -> None:
    rendered = yaml.safe_load(run(folder, "render", "--weight", "10").output)
    assert (rendered["kind"], rendered["metadata"]["name"]) == ("HTTPRoute", "decision-api")
    assert rendered["spec"]["rules"] == Versions().rules(10, "/v1/decisions")
