"""The files of the repository, as the structural tests see them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from config import ROOT

MADE = {
    ".git", ".venv", ".venvs", ".cache", ".run", ".next", "node_modules", "__pycache__", "dist", "build",
    ".terraform", ".mypy_cache", ".pytest_cache", ".ruff_cache", ".hypothesis", "test-results", "playwright-report",
}  # fmt: skip
"""Folders that hold what tools made, not what people wrote."""

PACKAGES = (
    "ci_cd_testing_deployment",
    "data_pipeline",
    "fraud_prevention",
    "model",
    "storage_security",
    "visualization_dashboard",
)
"""Top-level packages of the product."""


def files(*suffixes: str) -> Iterator[Path]:
    """Yield every written file, or those with one of the suffixes (".py"), relative to the root, in a stable order."""
    for folder, folders, names in os.walk(ROOT):
        folders[:] = sorted(name for name in folders if name not in MADE and not name.endswith(".egg-info"))
        for name in sorted(names):
            path = Path(folder, name).relative_to(ROOT)
            if not suffixes or path.suffix in suffixes:
                yield path


def read(path: Path | str) -> str:
    """Return the text of a file of the repository."""
    return (ROOT / path).read_text(encoding="utf-8")
