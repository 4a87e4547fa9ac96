"""Say what a change can have broken, so that only that is checked.

    python -m ci_cd_testing_deployment.actions.changes BASE [HEAD]

prints `areas=[...]` and `images=[...]` as JSON, to the job's outputs where there is a job. An image is touched by what its
Dockerfile copies, which is what its entries import.
"""

from __future__ import annotations

import fnmatch
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from ci_cd_testing_deployment.docker.images import IMAGES, Image

ROOT: Final = Path(__file__).resolve().parents[2]
_SHIP: Final = "ci_cd_testing_deployment"
_FRONTEND: Final = "visualization_dashboard/frontend/"

# Patterns of fnmatch, where `*` crosses folders.
AREAS: Final = {
    "pages": (f"{_FRONTEND}*",),
    "terraform": (f"{_SHIP}/terraform/*",),
    "manifests": (f"{_SHIP}/kubernetes/*", f"{_SHIP}/operations/*"),
    "scripts": ("*.sh", "*Dockerfile", ".github/*", f"{_SHIP}/actions/*", "requirements/tools/*"),
}
"""What each area is made of. `python` is all but the pages, since tests read documents and manifests too."""
EVERYTHING: Final = ("Makefile", ".github/*", f"{_SHIP}/actions/*", f"{_SHIP}/docker/*", ".dockerignore")
"""A change of these may change what any check does."""


def touched_areas(paths: Iterable[str]) -> list[str]:
    """Areas that a change of these paths can have broken, sorted."""
    changed = list(paths)
    if any(_matches(path, EVERYTHING) for path in changed):
        return sorted([*AREAS, "python"])
    found = {area for area, patterns in AREAS.items() if any(_matches(path, patterns) for path in changed)}
    if any(not path.startswith(_FRONTEND) for path in changed):
        found.add("python")
    return sorted(found)


def touched_images(paths: Iterable[str]) -> list[str]:
    """Images that may differ by a change of these paths, in the order of the table."""
    changed = list(paths)
    if any(_matches(path, EVERYTHING) for path in changed):
        return [image.name for image in IMAGES]
    return [image.name for image in IMAGES if any(_is_copied(path, inputs(image)) for path in changed)]


def inputs(image: Image) -> list[str]:
    """Files, folders and patterns of the builder that the image is made of."""
    text = (ROOT / image.dockerfile).read_text(encoding="utf-8").replace("\\\n", " ")
    copied = [
        source.removeprefix("./")
        for line in re.findall(r"^COPY (?!--from)(.+)$", text, re.MULTILINE)
        for source in line.split()[:-1]
        if not source.startswith("--")
    ]
    return [image.dockerfile, *copied]


def _is_copied(path: str, sources: Iterable[str]) -> bool:
    """Whether one of them is the path, or a folder around it. A `*` of the builder stays in its folder."""
    parts = path.split("/")
    return any(
        len(wanted := source.rstrip("/").split("/")) <= len(parts) and all(map(fnmatch.fnmatchcase, parts, wanted))
        for source in sources
    )


def _matches(path: str, patterns: Iterable[str]) -> bool:
    return any(fnmatch.fnmatchcase(path, pattern) for pattern in patterns)


def changed_paths(base: str, head: str) -> list[str]:
    """What differs from where the two parted. Raises CalledProcessError where one of them is unknown."""
    shown = subprocess.run(
        ["git", "diff", "--name-only", "--no-renames", f"{base}...{head}", "--"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return shown.stdout.splitlines()


def main() -> None:
    if not 2 <= len(sys.argv) <= 3:
        sys.exit("usage: changes.py BASE [HEAD]")
    paths = changed_paths(sys.argv[1], sys.argv[2] if len(sys.argv) == 3 else "HEAD")
    lines = f"areas={json.dumps(touched_areas(paths))}\nimages={json.dumps(touched_images(paths))}\n"
    sys.stdout.write(lines)
    if outputs := os.environ.get("GITHUB_OUTPUT"):
        with Path(outputs).open("a", encoding="utf-8") as file:
            file.write(lines)


if __name__ == "__main__":
    main()
