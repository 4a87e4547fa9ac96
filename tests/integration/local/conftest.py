"""A run directory of the test's own that leaves nothing running."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from ci_cd_testing_deployment.local.stack import LocalStack
from tests.fixtures.services import guarded_run_dir


@pytest.fixture
def run_dir() -> Iterator[Path]:
    run_dir = guarded_run_dir("local") / uuid4().hex[:8]
    yield run_dir
    LocalStack(run_dir).reset()
    shutil.rmtree(run_dir, ignore_errors=True)
