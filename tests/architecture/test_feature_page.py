"""The catalogue's page is the catalogue, and its values are what callers may rely on."""

from __future__ import annotations

import math

from ci_cd_testing_deployment.cli import features
from model.features.catalogue import FEATURE_NAMES, FEATURES
from tests.architecture.tree import read


def test_feature_page_is_the_output_of_the_command() -> None:
    assert read("docs/features.md") == features.markdown(), "run `make docs`"


def test_names_are_unique_and_defaults_finite() -> None:
    assert len(set(FEATURE_NAMES)) == len(FEATURE_NAMES)
    assert all(math.isfinite(f.default) for f in FEATURES)
