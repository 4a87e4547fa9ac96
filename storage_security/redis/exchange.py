"""What the tasks of a plan hand to each other, in Redis.

Key: `fx:{stream}:{plan}:{stage}:{from}:{to}/{shares}`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import redis

from fraud_prevention.domain.errors import Unavailable

# A plan that is not through by then has failed for good; its number will be worked again with its own exchange.
_TTL_S: Final = 3_600


def _key(stage: str, number: int, share: int, other: int, shares: int) -> str:
    return f"fx:{{stream}}:{number}:{stage}:{share}:{other}/{shares}"


class RedisExchange:
    """Parts that one share of a plan's work leaves for another. All calls raise Unavailable."""

    def __init__(self, client: redis.Redis) -> None:
        self._redis = client

    def hand_over(self, stage: str, number: int, share: int, parts: Sequence[bytes]) -> None:
        """Leave a part for each share of the plan's work; parts[i] is for share i."""
        try:
            for other, part in enumerate(parts):
                if other != share:
                    self._redis.set(_key(stage, number, share, other, len(parts)), part, ex=_TTL_S)
        except redis.RedisError as error:
            raise Unavailable("redis", str(error)) from error

    def take_over(self, stage: str, number: int, share: int, shares: int) -> list[bytes]:
        """What the other shares left for this one."""
        keys = [_key(stage, number, other, share, shares) for other in range(shares) if other != share]
        if not keys:
            return []
        try:
            found: list[Any] = self._redis.mget(keys)
        except redis.RedisError as error:
            raise Unavailable("redis", str(error)) from error
        if any(part is None for part in found):
            raise Unavailable("redis", f"what the other tasks of plan {number} left is gone")
        return found

    def drop(self, stages: Sequence[str], number: int, share: int, shares: int) -> None:
        """Forget what the share handed over: nobody will work the plan again."""
        others = [other for other in range(shares) if other != share]
        keys = [_key(stage, number, share, other, shares) for stage in stages for other in others]
        if keys:
            try:
                self._redis.unlink(*keys)
            except redis.RedisError as error:
                raise Unavailable("redis", str(error)) from error
