"""Every image runs the same versions, and installs nothing that was not hashed."""

from __future__ import annotations

import re

import pytest

from config import ROOT
from tests.architecture.tree import read

PIN = re.compile(r"^([A-Za-z0-9._-]+)(\[[\w,-]+\])?==(\S+)([^\\\n]*)", re.MULTILINE)
ASKED = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)", re.MULTILINE)
IMAGES = sorted(path.stem for path in (ROOT / "requirements").glob("*.in"))
IMAGE_LOCKS = ["requirements.txt", *(f"requirements/{image}.txt" for image in IMAGES)]
SIDE = {
    folder: sorted(path.stem for path in (ROOT / "requirements" / folder).glob("*.in")) for folder in ("peers", "tools")
}
"""Environments of their own, which share no process with the product."""
LOCKS = [*IMAGE_LOCKS, *(f"requirements/{folder}/{name}.txt" for folder, names in SIDE.items() for name in names)]
APART = {"servers", "uv"}
"""Lists that are not part of the union: wheels of servers, and what installs the rest."""


def name(raw: str) -> str:
    return re.sub(r"[-_.]+", "-", raw).lower()


def pins(path: str) -> set[tuple[str, str]]:
    return {(name(match[1]), match[3]) for match in PIN.finditer(read(path))}


@pytest.mark.parametrize("lock", IMAGE_LOCKS)
def test_pins_agree_with_the_constraints(lock: str) -> None:
    assert pins(lock) - pins("requirements/constraints.txt") == set()


@pytest.mark.parametrize("lock", LOCKS)
def test_every_pin_has_a_hash(lock: str) -> None:
    bare = [m[1] for m in PIN.finditer(read(lock)) if not read(lock)[m.end() :].lstrip("\\\n ").startswith("--hash=")]
    assert bare == []


@pytest.mark.parametrize("lock", LOCKS)
def test_lock_holds_all_that_its_list_asks_for(lock: str) -> None:
    asked = {name(match[1]) for match in ASKED.finditer(read(lock.replace(".txt", ".in")))}
    assert asked - {found for found, _ in pins(lock)} == set(), "run `make lock`"


@pytest.mark.parametrize("lock", LOCKS)
def test_lock_names_no_index(lock: str) -> None:
    assert not re.search(r"--(?:extra-)?index-url|--find-links|https?://", read(lock))


def test_every_lock_is_compiled_by_make_lock() -> None:
    script = read("ci_cd_testing_deployment/actions/lock.sh")
    compiled = {kind: sorted(names.split()) for kind, names in re.findall(r"^(\w+)=\(([^)]*)\)$", script, re.MULTILINE)}
    assert compiled["images"] == IMAGES
    assert {folder: compiled[folder] for folder in SIDE} == SIDE


def test_main_list_is_the_union_of_all_lists() -> None:
    listed = set(re.findall(r"^-r requirements/(\S+)\.in$", read("requirements.in"), re.MULTILINE))
    assert listed == set(IMAGES) - APART
    assert not ASKED.search(re.sub(r"^(?:#|-r).*$", "", read("requirements.in"), flags=re.MULTILINE))
