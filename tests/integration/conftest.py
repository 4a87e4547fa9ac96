"""Real servers for every test below this folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fixtures.services import (
    kafka,
    postgres_dsn,
    postgres_server,
    redis_cluster,
    redis_nodes,
    redis_server,
    redis_url,
    shared_stack,
)

__all__ = [
    "kafka",
    "postgres_dsn",
    "postgres_server",
    "redis_cluster",
    "redis_nodes",
    "redis_server",
    "redis_url",
    "shared_stack",
]

_HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What lies in this folder is an integration test, without saying so in each file."""
    for item in items:
        if item.path.is_relative_to(_HERE):
            item.add_marker(pytest.mark.integration)
