"""Tests that share servers do not run side by side."""

from __future__ import annotations

import os

import pytest


def test_a_test_knows_its_group(request: pytest.FixtureRequest) -> None:
    """Some versions of pytest and pytest-xdist do not understand each other in this, without a word."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        assert request.node.nodeid.endswith("@shared-stack")
