"""What the tasks of a plan hand to each other, in Redis.

Key: `fx:{plan}:{stage}:{from}:{to}/{shares}`, without a hash tag: a cluster shares the load.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from fraud_prevention.domain.errors import Unavailable
from storage_security.redis.client import Client, availability, get_many

# A plan that is not through by then has failed for good; its number will be worked again with its own exchange.
_TTL_S: Final = 3_600


def _key(stage: str, number: int, share: int, other: int, shares: int) -> str:
    return f"fx:{number}:{stage}:{share}:{other}/{shares}"


class RedisExchange:
    """Parts that one share of a plan's work leaves for another. All calls raise Unavailable."""

    def __init__(self, client: Client) -> None:
        self._redis = client

    def hand_over(self, stage: str, number: int, share: int, parts: Sequence[bytes]) -> None:
        """Leave a part for each share of the plan's work; parts[i] is for share i."""
        with availability():
            for other, part in enumerate(parts):
                if other != share:
                    self._redis.set(_key(stage, number, share, other, len(parts)), part, ex=_TTL_S)

    def take_over(self, stage: str, number: int, share: int, shares: int) -> list[bytes]:
        """What the other shares left for this one."""
        keys = [_key(stage, number, other, share, shares) for other in range(shares) if other != share]
        if not keys:
            return []
        with availability():
            found = get_many(self._redis, keys)
        left = [part for part in found if part is not None]
        if len(left) < len(keys):
            raise Unavailable("redis", f"what the other tasks of plan {number} left is gone")
        return left

    def drop(self, stages: Sequence[str], number: int, share: int, shares: int) -> None:
        """Forget what the share handed over: nobody will work the plan again."""
        others = [other for other in range(shares) if other != share]
        keys = [_key(stage, number, share, other, shares) for stage in stages for other in others]
        if keys:
            with availability():
                self._redis.unlink(*keys)
