"""`fraud_alert:{transaction_id}` in Redis: the newest alerts, for those who cannot wait for a database."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from fraud_prevention.domain.case import Alert
from storage_security.redis.client import Client, availability

PREFIX: Final = "fraud_alert:"


class RedisAlertCache:
    """Thread-safe. `ttl_s` is the life of an entry."""

    def __init__(self, client: Client, ttl_s: int) -> None:
        self._client = client
        self._ttl_s = ttl_s

    def put(self, alerts: Sequence[tuple[Alert, bytes]]) -> None:
        """Keep each alert's payload. Idempotent; one round trip. Raises Unavailable."""
        if not alerts:
            return
        with availability(), self._client.pipeline(transaction=False) as pipeline:
            for alert, payload in alerts:
                pipeline.set(PREFIX + alert.transaction_id, payload, ex=self._ttl_s)
            pipeline.execute()

    def get(self, transaction_id: str) -> bytes | None:
        """The alert's payload, None where there is none (any more). Raises Unavailable."""
        with availability():
            found = self._client.get(PREFIX + transaction_id)
        assert found is None or isinstance(found, bytes)
        return found

    def close(self) -> None:
        self._client.close()
