"""Records of shared entities in Redis: one string for each, written by the stream behind a fence.

Keys: `fe:{bbb}kXXXXXXXX`: a bucket of 1,024 as hash tag, so that a cluster can answer for many keys in one command;
the kind's letter; the entity's 64-bit code. `fx:{stream}:…` what the tasks of a plan hand to each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final, cast

import numpy as np
import redis
from numpy.typing import NDArray

from fraud_prevention.domain.errors import PlanLost, Unavailable
from model.features.entities.kinds import KINDS

BUCKETS: Final = 1_024
_KEYS_PER_CALL: Final = 500  # holds the server for about a millisecond
# A plan that is not through by then has failed for good; its number will be worked again with its own exchange.
_EXCHANGE_TTL_S: Final = 3_600
_TAGS: Final = np.array([list(f"fe:{{{b:03x}}}".encode()) for b in range(BUCKETS)], np.uint8)
_LETTERS: Final = np.array([k.letter[0] for k in KINDS], np.uint8)
_FENCE: Final = b"fe:fence"

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


def entity_keys(codes: NDArray[np.uint64], kinds: NDArray[np.uint8]) -> list[bytes]:
    """Where the records of the entities with these codes u8[k] and kinds u1[k] are."""
    width = _TAGS.shape[1]
    rows = np.empty((len(codes), width + 9), np.uint8)
    rows[:, :width] = _TAGS[(codes % np.uint64(BUCKETS)).astype(np.intp)]
    rows[:, width] = _LETTERS[kinds]
    rows[:, width + 1 :] = codes.astype("<u8").reshape(-1, 1).view(np.uint8)
    whole, size = rows.tobytes(), width + 9
    return [whole[at : at + size] for at in range(0, len(whole), size)]


class RedisEntityStore:
    """Batch reads and fenced writes of the stream, and the API's read. All calls raise Unavailable."""

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

    def read_of(self, codes: NDArray[np.uint64], kinds: NDArray[np.uint8]) -> list[bytes | None]:
        """The records of entities by code and kind."""
        return self.read(entity_keys(codes, kinds))

    def write_of(
        self, number: int, codes: NDArray[np.uint64], kinds: NDArray[np.uint8], records: Sequence[bytes]
    ) -> None:
        """See `write`."""
        self.write(number, entity_keys(codes, kinds), records)

    def write(self, number: int, keys: Sequence[bytes], records: Sequence[bytes]) -> None:
        """Replace records for the plan of that number. Raises PlanLost where a later plan has written.

        Each call to the server is all or nothing; a retry of the same plan repeats the same bytes.
        """
        for at in range(0, len(keys), _KEYS_PER_CALL):
            end = at + _KEYS_PER_CALL
            try:
                held = self._write([_FENCE, *keys[at:end]], [number, *records[at:end]])
            except redis.RedisError as error:
                raise Unavailable("redis", str(error)) from error
            if held:
                raise PlanLost(number, int(held), "")

    def hand_over(self, number: int, share: int, parts: Sequence[bytes]) -> None:
        """Leave a part for each share of the plan's work; parts[i] is for share i."""
        try:
            for other, part in enumerate(parts):
                if other != share:
                    self._redis.set(f"fx:{{stream}}:{number}:{share}:{other}/{len(parts)}", part, ex=_EXCHANGE_TTL_S)
        except redis.RedisError as error:
            raise Unavailable("redis", str(error)) from error

    def take_over(self, number: int, share: int, shares: int) -> list[bytes]:
        """What the other shares left for this one."""
        keys = [f"fx:{{stream}}:{number}:{other}:{share}/{shares}" for other in range(shares) if other != share]
        if not keys:
            return []
        try:
            found: list[Any] = self._redis.mget(keys)
        except redis.RedisError as error:
            raise Unavailable("redis", str(error)) from error
        if any(part is None for part in found):
            raise Unavailable("redis", f"what the other tasks of plan {number} left is gone")
        return found

    def drop_exchange(self, number: int, share: int, shares: int) -> None:
        """Forget what the share handed over: all have taken it."""
        keys = [f"fx:{{stream}}:{number}:{share}:{other}/{shares}" for other in range(shares) if other != share]
        if keys:
            try:
                self._redis.unlink(*keys)
            except redis.RedisError as error:
                raise Unavailable("redis", str(error)) from error

    def load(self, records: Iterable[tuple[bytes, bytes]], batch: int = 2_000) -> int:
        """Put records of a rebuild in place, whatever was there; returns how many."""
        count = 0
        pending: dict[bytes, bytes] = {}
        for key, record in records:
            pending[key] = record
            count += 1
            if len(pending) >= batch:
                self._redis.mset(cast(Any, pending))
                pending = {}
        if pending:
            self._redis.mset(cast(Any, pending))
        return count
