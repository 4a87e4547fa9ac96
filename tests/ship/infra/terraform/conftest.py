"""Terraform with the providers of this machine, and an imitation of AWS for what has to be applied."""

from __future__ import annotations

import os
import shutil
import subprocess
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from config import ROOT

TERRAFORM = ROOT / "ci_cd_testing_deployment" / "terraform"
TIMEOUT_S = 600
SCORER = (
    'import json\n\n\ndef handle(event, context):\n    return {"statusCode": 200, "body": json.dumps({"score": 0.5})}\n'
)

Run = Callable[..., subprocess.CompletedProcess[str]]


def lines_to_eval(text: str) -> dict[str, str]:
    """The environment after a shell has evaluated the text."""
    show = subprocess.run(
        ["bash", "-c", f"{text}\nenv -0"], capture_output=True, text=True, check=True, timeout=TIMEOUT_S
    ).stdout
    return dict(pair.split("=", 1) for pair in show.split("\0") if "=" in pair)


def runner(env: Mapping[str, str]) -> Run:
    def run(*command: str, cwd: Path = TERRAFORM, **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command, cwd=cwd, env={**env, **more}, capture_output=True, text=True, check=False, timeout=TIMEOUT_S
        )

    return run


@pytest.fixture(scope="session")
def providers() -> dict[str, str]:
    """The environment in which Terraform finds its providers."""
    if shutil.which("terraform") is None:
        pytest.skip("terraform is not installed")
    mirror = Path(os.environ.get("FRAUD_PROVIDER_MIRROR", "/opt/tf-plugins"))
    if not mirror.is_dir():
        pytest.skip(f"no mirror of providers at {mirror}: FRAUD_PROVIDER_MIRROR names one")
    shown = subprocess.run([TERRAFORM / "provider.sh"], capture_output=True, text=True, check=True, timeout=60).stdout
    return lines_to_eval(shown)


@pytest.fixture
def terraform(providers: Mapping[str, str], tmp_path: Path) -> Run:
    """Run a command with the providers, and what `init` makes in a folder of the test's own."""
    return runner({**providers, "TF_DATA_DIR": str(tmp_path / "terraform")})


@pytest.fixture(scope="module")
def cloud(providers: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """Run a command against the emulator, which starts empty and stops with the module."""
    script = TERRAFORM / "emulator.sh"
    subprocess.run([script, "down"], check=True, timeout=60)
    started = subprocess.run([script, "up"], capture_output=True, text=True, check=False, timeout=TIMEOUT_S)
    assert started.returncode == 0, started.stderr
    folder = tmp_path_factory.mktemp("scorer")
    with zipfile.ZipFile(folder / "scorer.zip", "w") as package:
        package.writestr("scorer.py", SCORER)
    env = {
        **lines_to_eval(started.stdout),
        "TF_CLI_CONFIG_FILE": providers["TF_CLI_CONFIG_FILE"],
        "TF_VAR_scorer_zip_file": str(folder / "scorer.zip"),
        "TF_VAR_scorer_handler": "scorer.handle",
        "FRAUD_HANDOVER": str(folder / "cloud.env"),
    }
    yield runner(env)
    subprocess.run([script, "down"], check=True, timeout=60)
