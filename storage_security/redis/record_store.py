"""Records of the stream in Redis, one string each: read many, write many behind the number of the plan that writes.

Key: `fraud:{stream}:fence`, the greatest number of a plan that has written.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final, cast

import redis

from fraud_prevention.domain.errors import PlanLost, Unavailable

_KEYS_PER_CALL: Final = 500  # holds the server for about two milliseconds
# The fence moves once a plan, when the first of its tasks writes.
_ATTEMPTS: Final = 5
_FENCE: Final = b"fraud:{stream}:fence"


class RecordStore:
    """Batch reads and fenced writes. All calls raise Unavailable."""

    def __init__(self, client: redis.Redis) -> None:
        self._redis = client

    def read(self, keys: Sequence[bytes]) -> list[bytes | None]:
        """The records, None where there is none."""
        found: list[bytes | None] = []
        try:
            for at in range(0, len(keys), _KEYS_PER_CALL):
                found += cast("list[bytes | None]", self._redis.mget(keys[at : at + _KEYS_PER_CALL]))
        except redis.RedisError as error:
            raise Unavailable("redis", str(error)) from error
        return found

    def write(self, number: int, keys: Sequence[bytes], records: Sequence[bytes]) -> None:
        """Replace records for the plan of that number. Raises PlanLost where a later plan has written.

        Each call to the server is all or nothing; a refusal in a later call leaves the earlier ones written, which a
        retry of the same plan repeats with the same bytes.
        """
        for at in range(0, len(keys), _KEYS_PER_CALL):
            end = at + _KEYS_PER_CALL
            pairs = dict(zip(keys[at:end], records[at:end], strict=True))
            try:
                is_done = any(self._replace(number, pairs) for _ in range(_ATTEMPTS))
            except redis.RedisError as error:
                raise Unavailable("redis", str(error)) from error
            if not is_done:
                raise Unavailable("redis", f"the fence moved {_ATTEMPTS} times while plan {number} was writing")

    def _replace(self, number: int, pairs: dict[bytes, bytes]) -> bool:
        """One transaction, which fails (False) where the fence moves at the same time."""
        with self._redis.pipeline() as pipe:
            pipe.watch(_FENCE)  # type: ignore[no-untyped-call]  # the client has no types here
            held = int(cast("bytes | None", pipe.get(_FENCE)) or 0)
            if held > number:
                raise PlanLost(number, held, "")
            pipe.multi()
            if held < number:
                pipe.set(_FENCE, number)
            pipe.mset(cast(Any, pairs))
            try:
                pipe.execute()
            except redis.WatchError:
                return False
        return True

    def load(self, keys: Iterable[bytes], records: Iterable[bytes]) -> int:
        """Put records of a rebuild in place, whatever was there; returns how many."""
        count = 0
        pending: dict[bytes, bytes] = {}
        try:
            for key, record in zip(keys, records, strict=True):
                pending[key] = record
                count += 1
                if len(pending) == _KEYS_PER_CALL:
                    self._redis.mset(cast(Any, pending))
                    pending = {}
            if pending:
                self._redis.mset(cast(Any, pending))
        except redis.RedisError as error:
            raise Unavailable("redis", str(error)) from error
        return count
