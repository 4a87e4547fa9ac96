"""No image is heavier than its limit."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ci_cd_testing_deployment.docker.images import IMAGES, Image
from ci_cd_testing_deployment.docker.weigh import MB, pulled_bytes


@pytest.mark.parametrize(
    "made",
    [
        pytest.param(made, id=made.name, marks=[pytest.mark.smoke] if made.name == "decision-api" else [])
        for made in IMAGES
    ],
)
def test_pulls_no_more_than_its_limit(made: Image, built: Callable[[str], str]) -> None:
    assert pulled_bytes(built(made.name)) <= made.limit_mb * MB
