"""Each test of this folder runs on one server and on a cluster."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from config import RedisSettings
from storage_security.redis.client import Client, connect
from tests.fixtures.services import redis_of


@pytest.fixture(params=["server", "cluster"])
def redis_settings(request: pytest.FixtureRequest) -> RedisSettings:
    """Settings of an empty Redis of the test's own."""
    return redis_of(request, request.param)


@pytest.fixture
def client(redis_settings: RedisSettings) -> Iterator[Client]:
    """A client of it."""
    found = connect(redis_settings)
    yield found
    found.close()
