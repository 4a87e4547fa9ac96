"""Every module, example and environment is valid and does what it promises, on the provider's own schema."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.ship.infra.terraform.conftest import TERRAFORM, Run

pytestmark = [pytest.mark.ship, pytest.mark.smoke]

WITHOUT_PROVIDER = {"google-bigquery"}
MODULES = sorted(path.name for path in (TERRAFORM / "modules").iterdir())
EXAMPLES = [f"modules/{name}/examples/basic" for name in MODULES if name not in WITHOUT_PROVIDER]
ENVIRONMENTS = [f"environments/{name}" for name in ("dev", "staging", "production")]
TESTED = [*(f"modules/{name}" for name in MODULES if name not in WITHOUT_PROVIDER), "stack", *ENVIRONMENTS]


def initialised(terraform: Run, folder: str) -> Path:
    made = terraform("terraform", "init", "-backend=false", "-no-color", cwd=TERRAFORM / folder)
    assert made.returncode == 0, made.stderr
    return TERRAFORM / folder


def test_everything_is_in_shape(terraform: Run) -> None:
    shown = terraform("terraform", "fmt", "-check", "-recursive")
    assert shown.returncode == 0, f"run terraform fmt: {shown.stdout}"


@pytest.mark.parametrize("folder", [*EXAMPLES, *ENVIRONMENTS])
def test_is_valid(terraform: Run, folder: str) -> None:
    shown = terraform("terraform", "validate", "-json", cwd=initialised(terraform, folder))
    assert json.loads(shown.stdout)["valid"], shown.stdout
    assert json.loads(shown.stdout)["warning_count"] == 0, shown.stdout


@pytest.mark.parametrize("folder", TESTED)
def test_keeps_its_promises(terraform: Run, folder: str) -> None:
    shown = terraform("terraform", "test", "-no-color", cwd=initialised(terraform, folder))
    assert shown.returncode == 0, shown.stdout
    assert " passed, 0 failed" in shown.stdout


def test_warehouse_is_in_shape_and_not_planned() -> None:
    pytest.skip(
        "google-bigquery: no mirror holds Google's provider; its source is linted and held against policies alone"
    )
