"""The workflow of pull requests, run on this machine as far as its own logic goes: what is touched, what follows, the result.

Its files stay as they are; actions of others have stand-ins.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from config import ROOT
from tests.architecture.tree import read

pytestmark = [pytest.mark.ship, pytest.mark.timeout(300)]

HERE = Path(__file__).parent
ACT = ROOT / ".venvs" / "checkers" / "bin" / "act"
WORKFLOW = ".github/workflows/pull-request.yml"
MAKE = "lint types rings deps unit pages integration setup:\n\t@echo made $@\n"
"""Targets that say their name, since what they do is tested elsewhere."""


def git(root: Path, *words: str) -> str:
    done = subprocess.run(
        ["git", "-C", root, "-c", "user.name=test", "-c", "user.email=test@localhost", *words],
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A clone whose targets only say their names."""
    if not ACT.exists():
        pytest.skip("act is missing: ci_cd_testing_deployment/actions/tools.sh checkers")
    root = tmp_path / "repository"
    subprocess.run(["git", "clone", "--quiet", "--shared", ROOT, root], check=True, timeout=60)
    (root / "Makefile").write_text(MAKE)
    git(root, "commit", "--quiet", "--all", "--message", "Base")
    return root


def pull_request(root: Path, path: str, *options: str) -> subprocess.CompletedProcess[str]:
    """Change a file on top, and run what a pull request with that runs."""
    base = git(root, "rev-parse", "HEAD")
    (root / path).write_text((root / path).read_text() + "\n")
    git(root, "commit", "--quiet", "--all", "--message", "Change")
    event = root.parent / "event.json"
    event.write_text(json.dumps({"pull_request": {"number": 1, "base": {"sha": base, "ref": "main"}}}))
    pinned = {match[1] for match in re.finditer(r"uses: ([\w.-]+/[\w./-]+@[0-9a-f]{40})", read(WORKFLOW))}
    stand_ins = [
        f"--local-repository={action}={folder}"
        for action in sorted(pinned)
        if (folder := HERE / "stand_ins" / action.partition("@")[0]).is_dir()
    ]
    return subprocess.run(
        [
            ACT, "pull_request", "--workflows", WORKFLOW, "--eventpath", event, "--action-offline-mode",
            "--platform", "ubuntu-24.04=-self-hosted", *stand_ins, *options,
        ],
        cwd=root, env={**os.environ, "HOME": str(root.parent)}, capture_output=True, text=True, check=False, timeout=240,
    )  # fmt: skip


def test_change_of_a_document_runs_what_reads_documents(repository: Path) -> None:
    done = pull_request(repository, "README.md", "--job", "python", "--matrix", "target:lint")
    assert done.returncode == 0, done.stdout + done.stderr
    assert 'areas=["python"]' in done.stdout
    assert "images=[]" in done.stdout
    assert "made lint" in done.stdout


def test_check_that_fails_fails_the_workflow(repository: Path) -> None:
    (repository / "Makefile").write_text("lint:\n\t@echo found something; exit 1\n")
    git(repository, "commit", "--quiet", "--all", "--message", "Break")
    done = pull_request(repository, "README.md", "--job", "python", "--matrix", "target:lint")
    assert done.returncode != 0
    assert "found something" in done.stdout


def test_what_was_not_touched_is_not_run(repository: Path) -> None:
    done = pull_request(repository, "visualization_dashboard/frontend/package.json", "--job", "python")
    assert done.returncode == 0, done.stdout + done.stderr
    assert 'areas=["pages"]' in done.stdout
    assert "made" not in done.stdout


@pytest.mark.parametrize(
    ("results", "code"),
    [
        ('["success", "skipped"]', 0),
        ('["success", "failure"]', 1),
        ('["success", "cancelled"]', 1),
        ("[]", 1),
    ],
)
def test_one_result_stands_for_all(results: str, code: int) -> None:
    script = ROOT / "ci_cd_testing_deployment" / "actions" / "passed.sh"
    assert subprocess.run([script, results], capture_output=True, check=False, timeout=30).returncode == code
