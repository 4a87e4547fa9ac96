"""`fraud_alert:{transaction_id}` in Redis: the newest alerts, for those who cannot wait for a database."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import redis

from fraud_prevention.domain.case import Alert
from fraud_prevention.domain.errors import Unavailable

PREFIX: Final = "fraud_alert:"


class RedisAlertCache:
    """Thread-safe. `ttl_s` is the life of an entry."""

    def __init__(self, url: str, timeout_ms: int, ttl_s: int) -> None:
        timeout_s = timeout_ms / 1000
        self._client = redis.Redis.from_url(url, socket_timeout=timeout_s, socket_connect_timeout=timeout_s)
        self._ttl_s = ttl_s

    def put(self, alerts: Sequence[tuple[Alert, bytes]]) -> None:
        """Keep each alert's payload. Idempotent; one round trip. Raises Unavailable."""
        if not alerts:
            return
        try:
            with self._client.pipeline(transaction=False) as pipeline:
                for alert, payload in alerts:
                    pipeline.set(PREFIX + alert.transaction_id, payload, ex=self._ttl_s)
                pipeline.execute()
        except redis.RedisError as error:
            raise Unavailable("redis", str(error)) from error

    def get(self, transaction_id: str) -> bytes | None:
        """The alert's payload, None where there is none (any more). Raises Unavailable."""
        try:
            found = self._client.get(PREFIX + transaction_id)
        except redis.RedisError as error:
            raise Unavailable("redis", str(error)) from error
        assert found is None or isinstance(found, bytes)
        return found

    def close(self) -> None:
        self._client.close()
