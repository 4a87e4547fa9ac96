"""A volume that Docker makes for an image belongs to the image's user, so that nobody has to prepare it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.ship.images.product.containers import docker


@pytest.mark.parametrize(
    ("name", "folder"), [("trainer", "/models"), ("decision-api", "/models"), ("pipeline", "/bundles")]
)
def test_fresh_volume_can_be_written_to(name: str, folder: str, built: Callable[[str], str]) -> None:
    volume = docker("volume", "create")
    try:
        docker(
            "run", "--rm", "--read-only", "--cap-drop=ALL", "--network=none", f"--volume={volume}:{folder}",
            "--entrypoint=python", built(name), "-ISc", f"open('{folder}/written', 'w').close()",
        )  # fmt: skip
    finally:
        docker("volume", "rm", volume)
