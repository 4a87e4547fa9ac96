"""Every wait of an attempt has a budget, and a claim outlives their sum."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import redis
from pydantic import ValidationError

from config import ApiSettings, RedisSettings
from fraud_prevention.bootstrap import connect_redis
from fraud_prevention.domain.errors import Unavailable
from storage_security.postgres.decision_lookup import PostgresDecisionLookup

BUDGET_MS = 100
SOON_S = 1.5  # below the 2 s that libpq waits for a connection at least


def test_a_claim_that_ends_before_an_attempt_may_is_refused() -> None:
    longest_ms = 2_000 + 6 * 150 + 200
    assert ApiSettings(claim_ttl_ms=longest_ms + 1).claim_ttl_ms == longest_ms + 1
    for shorter in (
        {"claim_ttl_ms": longest_ms},
        {"claim_ttl_ms": longest_ms + 1, "lookup_timeout_ms": 201},
        {"claim_ttl_ms": longest_ms + 1, "deadline_ms": 151},
        {"claim_ttl_ms": longest_ms + 1, "ack_timeout_ms": 2_001},
    ):
        with pytest.raises(ValidationError, match="claim_ttl_ms must be above"):
            ApiSettings.model_validate(shorter)


@pytest.mark.parametrize(("timeout_ms", "within_s"), [(2_000, 0.15), (50, 0.05)])
def test_a_command_and_its_repeat_fit_into_the_deadline(timeout_ms: int, within_s: float) -> None:
    client = connect_redis(RedisSettings(timeout_ms=timeout_ms), ApiSettings())
    assert isinstance(client, redis.Redis)
    options = client.connection_pool.connection_kwargs
    attempts = 1 + options["retry"].get_retries()
    assert attempts == 2
    for name in ("socket_timeout", "socket_connect_timeout"):
        assert attempts * options[name] == pytest.approx(within_s)
    client.close()


@pytest.fixture
def mute_dsn() -> Iterator[str]:
    """A server that lets everyone in and says nothing."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(16)
        yield f"postgresql://nobody@127.0.0.1:{server.getsockname()[1]}/none"


def test_a_look_up_gives_up_in_time_however_many_ask_a_server_that_hangs(mute_dsn: str) -> None:
    lookup = PostgresDecisionLookup(mute_dsn, connections=2, timeout_ms=BUDGET_MS)

    def ask(number: int) -> float:
        began_s = time.monotonic()
        with pytest.raises(Unavailable):
            lookup.find(f"t{number}")
        return time.monotonic() - began_s

    with ThreadPoolExecutor(16) as pool:
        waited_s = list(pool.map(ask, range(32)))
    lookup.close()
    assert max(waited_s) < SOON_S
