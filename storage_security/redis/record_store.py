"""Records of the stream in Redis, one string each: read many, write many behind the number of the plan that writes.

Key: `fraud:{stream}:fence`, the greatest number of a plan that has written.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final, cast

import redis

from fraud_prevention.domain.errors import PlanLost, Unavailable

_KEYS_PER_CALL: Final = 500  # holds the server for about two milliseconds
_FENCE: Final = b"fraud:{stream}:fence"

# One look at the fence for all: a zombie's plan has a smaller number.
_WRITE: Final = """
local number = tonumber(ARGV[1])
local held = tonumber(redis.call('GET', KEYS[1]) or '0')
if held > number then return held end
if held < number then redis.call('SET', KEYS[1], ARGV[1]) end
local pairs_ = {}
for i = 2, #KEYS do
  pairs_[2 * i - 3] = KEYS[i]
  pairs_[2 * i - 2] = ARGV[i]
end
redis.call('MSET', unpack(pairs_))
return 0
"""


class RecordStore:
    """Batch reads and fenced writes. All calls raise Unavailable."""

    def __init__(self, client: redis.Redis) -> None:
        self._redis = client
        self._write = client.register_script(_WRITE)

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
            try:
                held = self._write([_FENCE, *keys[at:end]], [number, *records[at:end]])
            except redis.RedisError as error:
                raise Unavailable("redis", str(error)) from error
            if held:
                raise PlanLost(number, int(held), "")

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
