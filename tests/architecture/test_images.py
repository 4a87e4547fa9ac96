"""Each image's list of requirements is what its entries import, no more and no less."""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path

import grimp
import pytest

from ci_cd_testing_deployment.docker.images import IMAGES
from config import ROOT
from tests.architecture.tree import PACKAGES, files, read

ENTRIES = {image.lock: image.entries for image in IMAGES if image.lock} | {
    "inference": ("model/inference/scorer.py",),
}
"""What each image starts, and what scores in an image to come."""

DISTRIBUTIONS = {
    "confluent-kafka": "confluent_kafka",
    "import-linter": "importlinter",
    "jsonschema-rs": "jsonschema_rs",
    "kafka-python": "kafka",
    "prometheus-client": "prometheus_client",
    "psycopg2-binary": "psycopg2",
    "pydantic-settings": "pydantic_settings",
    "pyyaml": "yaml",
    "scikit-learn": "sklearn",
}
"""Import names where they differ from the distribution's."""

TRANSITIVE = {"werkzeug": "flask"}
"""Import names that a listed distribution always brings along, at the version that it wants."""


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph(
        *PACKAGES,
        include_external_packages=True,
        exclude_type_checking_imports=True,
        cache_dir=None,
    )


def imports_of(path: str) -> set[str]:
    """Names that a file imports anywhere, in dotted form; `from a import b` yields `a` and `a.b`."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(read(path))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def third_party(entry: str, graph: grimp.ImportGraph) -> set[str]:
    """Top-level names of all libraries that an entry reaches."""
    ours, todo, libraries = set[str](), imports_of(entry), set[str]()
    if "config" in todo or any(name.startswith("config.") for name in todo):
        todo |= imports_of("config.py")
    while todo:
        name = todo.pop()
        if name in ours:
            continue
        ours.add(name)
        top = name.split(".")[0]
        if top in PACKAGES and name in graph.modules:
            todo |= graph.find_modules_directly_imported_by(name)
        elif top == "config":
            todo |= imports_of("config.py")
        elif top not in PACKAGES and top not in sys.stdlib_module_names and top != "__future__":
            libraries.add(TRANSITIVE.get(top, top))
    return libraries


def listed(image: str) -> dict[str, bool]:
    """Import name of each package of the list, and whether the list says why it is there."""
    lines = re.findall(
        r"^([a-z0-9][\w-]*)(?:\[[\w,]+\])?[^#\n]*(#.*)?$", read(f"requirements/{image}.in"), re.MULTILINE
    )
    return {DISTRIBUTIONS.get(package, package): bool(reason) for package, reason in lines}


@pytest.mark.parametrize("image", ENTRIES)
def test_list_of_the_image_is_what_its_entries_import(image: str, graph: grimp.ImportGraph) -> None:
    used = set[str]().union(*(third_party(entry, graph) for entry in ENTRIES[image]))
    packages = listed(image)
    assert used - set(packages) == set(), f"add these to requirements/{image}.in, then `make lock`"
    unexplained = {package for package, has_reason in packages.items() if not has_reason}
    assert unexplained - used == set(), "no entry imports these: remove them, or say why they are there"


def test_libraries_of_the_tests_are_listed() -> None:
    everything = {DISTRIBUTIONS.get(name, name) for image in ENTRIES for name in listed(image)}
    everything |= set(listed("dev")) | set(listed("cli"))
    missing = {
        f"{path} imports {name}"
        for path in files(".py")
        if path.parts[0] == "tests"
        for name in {dotted.split(".")[0] for dotted in imports_of(str(path))}
        if name not in {*PACKAGES, "tests", "config", "__future__", *sys.stdlib_module_names}
        and TRANSITIVE.get(name, name) not in everything
    }
    assert missing == set(), "add these to requirements/dev.in, then `make lock`"


def test_every_image_has_an_entry() -> None:
    tools = {"cli", "dev", "servers", "uv"}
    assert set(ENTRIES) == {path.stem for path in Path(ROOT, "requirements").glob("*.in")} - tools
