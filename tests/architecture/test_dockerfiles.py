"""Each image holds what its entries import and open, and is built as all of them are."""

from __future__ import annotations

import re

import grimp
import pytest

from ci_cd_testing_deployment.docker.closure import between_marks, copy_lines, import_graph
from ci_cd_testing_deployment.docker.images import IMAGES, Image
from tests.architecture.tree import files, read

NAMES = [image.name for image in IMAGES]
_OF_PYTHON = [pytest.param(image, id=image.name) for image in IMAGES if image.entries]
_BASE_IMAGES = "ci_cd_testing_deployment/docker/base_images"


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return import_graph()


def final_stage(image: Image) -> str:
    """What stands after the last FROM, its continued lines joined."""
    return re.split(r"^FROM .*$", read(image.dockerfile), flags=re.MULTILINE)[-1].replace("\\\n", " ")


def test_every_dockerfile_is_of_an_image_of_the_table() -> None:
    found = {path.as_posix() for path in files(".Dockerfile") if path.parent.as_posix() != _BASE_IMAGES}
    assert found == {image.dockerfile for image in IMAGES}


@pytest.mark.parametrize("image", _OF_PYTHON)
def test_holds_what_its_entries_import(image: Image, graph: grimp.ImportGraph) -> None:
    assert between_marks(read(image.dockerfile)) == copy_lines(image, graph), (
        "run: python -m ci_cd_testing_deployment.docker.closure"
    )


@pytest.mark.parametrize("image", _OF_PYTHON)
def test_packages_come_from_its_lock_by_their_hashes(image: Image) -> None:
    text = read(image.dockerfile)
    assert set(re.findall(r"requirements/([\w-]+)\.txt", text)) == {image.lock, "uv"}
    installs = re.findall(r"(?:pip install|pip sync)[^&]*", text)
    assert installs
    assert all("--require-hashes" in command for command in installs)


@pytest.mark.parametrize("image", [pytest.param(image, id=image.name) for image in IMAGES])
def test_final_stage_is_closed(image: Image) -> None:
    stage = final_stage(image)
    assert re.findall(r"^USER (.*)$", stage, re.MULTILINE) == ["10001:10001"]
    assert re.search(r"^HEALTHCHECK (NONE|.*CMD \[)", stage, re.MULTILINE)
    assert re.search(r'^CMD \["', stage, re.MULTILINE), "a shell between would keep signals from the program"
    assert re.findall(r"^EXPOSE (\d+)$", stage, re.MULTILINE) == ([str(image.port)] if image.port else [])
    for label in ("title", "description", "version", "revision", "licenses"):
        assert f"org.opencontainers.image.{label}=" in stage
    copied = re.findall(r"^COPY (\S+)", stage, re.MULTILINE)
    assert all(source == "--from=build" or source.startswith("ci_cd_testing_deployment/docker/") for source in copied)


@pytest.mark.parametrize("image", [pytest.param(image, id=image.name) for image in IMAGES])
def test_bases_are_named_by_arguments(image: Image) -> None:
    """A release passes them with their digests; no digest stands here, where nobody could tell it from an invented one."""
    text = read(image.dockerfile)
    bases = re.findall(r"^FROM (\S+)", text, re.MULTILINE)
    assert bases
    assert all(re.fullmatch(r"\$\{[A-Z]+_IMAGE\}", base) for base in bases)
    assert "@sha256:" not in re.sub(r"^#.*$", "", text, flags=re.MULTILINE)
