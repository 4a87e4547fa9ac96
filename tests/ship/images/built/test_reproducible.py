"""An image that is built again from nothing holds the same files, byte for byte. TEST_REPRODUCE names more images."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import tarfile
from collections.abc import Callable
from typing import Final

import pytest

from config import ROOT
from tests.ship.images.product.containers import docker

_CHOSEN: Final = os.environ.get("TEST_REPRODUCE", "storage-jobs").split()
_CHUNK: Final = 1 << 20
# The engine makes these when it starts a container.
_BY_THE_ENGINE: Final = {".dockerenv", "etc/hosts", "etc/hostname", "etc/resolv.conf", "etc/mtab"}
# Two processes that compile the same loop do not write the same bytes; which loops there are is compared all the same.
_OF_NUMBA: Final = re.compile(r"opt/numba/.*\.nbc")


def files_of(tag: str) -> dict[str, tuple[object, ...]]:
    """Mode, owner, kind, target and digest of each file of an image; times are left out, which no program reads."""
    container = docker("create", tag, "none")
    found = {}
    try:
        with (
            subprocess.Popen(["docker", "export", container], stdout=subprocess.PIPE) as exporting,
            tarfile.open(fileobj=exporting.stdout, mode="r|") as archive,
        ):
            for member in archive:
                digest = hashlib.sha256()
                if file := archive.extractfile(member) if is_compared(member) else None:
                    while chunk := file.read(_CHUNK):
                        digest.update(chunk)
                found[member.name] = (
                    oct(member.mode), member.uid, member.gid, member.type, member.linkname, digest.hexdigest(),
                )  # fmt: skip
    finally:
        docker("rm", container)
    return {name: value for name, value in found.items() if name not in _BY_THE_ENGINE}


def is_compared(member: tarfile.TarInfo) -> bool:
    return member.isreg() and not _OF_NUMBA.fullmatch(member.name)


@pytest.mark.parametrize("name", _CHOSEN)
@pytest.mark.timeout(1_800)
def test_two_builds_hold_the_same(name: str, built: Callable[[str], str]) -> None:
    first = files_of(docker("image", "inspect", "--format={{.Id}}", built(name)))
    subprocess.run(
        ["ci_cd_testing_deployment/docker/build.sh", name, "--", "--no-cache"],
        cwd=ROOT, check=True, capture_output=True, timeout=1_500,
    )  # fmt: skip
    second = files_of(built(name))
    assert set(first) == set(second)
    different = sorted(path for path, value in first.items() if second[path] != value)
    assert different == []
