"""A run directory that PostgreSQL's user can reach, and that leaves nothing running."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from ci_cd_testing_deployment.local.stack import LocalStack


@pytest.fixture
def run_dir() -> Iterator[Path]:
    # pytest's own folders are private to the user who runs it.
    with tempfile.TemporaryDirectory(prefix="fraudstream-local-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder) / "run"
        LocalStack(Path(folder) / "run").reset()
