"""Records of the stream in Redis, one string each: read many, write many behind the number of the plan that writes.

Key: `fraud:{stream}:fence`, the greatest number of a plan that has written; in a cluster `fraud:{bbb}:fence`, that of the
greatest which has written in the bucket. Either keeps a plan from what a later one has written.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, Protocol, cast

import redis
from redis.cluster import RedisCluster

from fraud_prevention.domain.errors import PlanLost, Unavailable
from storage_security.redis.client import Client, availability, bucket_in, get_many

_KEYS_PER_CALL: Final = 500  # holds the server for about two milliseconds
# The fence moves once a plan, when the first of its tasks writes.
_ATTEMPTS: Final = 5
_FENCE: Final = b"fraud:{stream}:fence"
# About twenty keys of each bucket; some sixty megabytes on their way.
_KEYS_PER_ROUND: Final = 20_000
# Puts ARGV[2..] at KEYS[2..] unless a later plan than ARGV[1] has been here; returns the number of that plan, or 0.
_FENCED: Final = """
local held = tonumber(redis.call('GET', KEYS[1]) or '0')
local ours = tonumber(ARGV[1])
if held > ours then return held end
if held < ours then redis.call('SET', KEYS[1], ARGV[1]) end
local pairs = {}
for i = 2, #KEYS do
  pairs[2 * i - 3] = KEYS[i]
  pairs[2 * i - 2] = ARGV[i]
end
redis.call('MSET', unpack(pairs))
return 0
"""


class _Servers(Protocol):
    """How records come to one server, or to many."""

    def read(self, keys: Sequence[bytes]) -> list[bytes | None]: ...

    def write(self, number: int, keys: Sequence[bytes], records: Sequence[bytes]) -> None: ...

    def load(self, pairs: dict[bytes, bytes]) -> None: ...


class RecordStore:
    """Batch reads and fenced writes. All calls raise Unavailable."""

    def __init__(self, client: Client) -> None:
        self._servers: _Servers = _Cluster(client) if isinstance(client, RedisCluster) else _OneServer(client)

    def read(self, keys: Sequence[bytes]) -> list[bytes | None]:
        """The records, None where there is none."""
        with availability():
            return self._servers.read(keys)

    def write(self, number: int, keys: Sequence[bytes], records: Sequence[bytes]) -> None:
        """Replace records for the plan of that number. Raises PlanLost where a later plan has written.

        Each call to a server is all or nothing; a refusal in a later call leaves the earlier ones written, which a
        retry of the same plan repeats with the same bytes.
        """
        with availability():
            self._servers.write(number, keys, records)

    def load(self, keys: Iterable[bytes], records: Iterable[bytes]) -> int:
        """Put records of a rebuild in place, whatever was there; returns how many."""
        count = 0
        pending: dict[bytes, bytes] = {}
        with availability():
            for key, record in zip(keys, records, strict=True):
                pending[key] = record
                count += 1
                if len(pending) == _KEYS_PER_ROUND:
                    self._servers.load(pending)
                    pending = {}
            if pending:
                self._servers.load(pending)
        return count


class _OneServer:
    def __init__(self, client: redis.Redis) -> None:
        self._redis = client

    def read(self, keys: Sequence[bytes]) -> list[bytes | None]:
        found: list[bytes | None] = []
        for at in range(0, len(keys), _KEYS_PER_CALL):
            found += get_many(self._redis, keys[at : at + _KEYS_PER_CALL])
        return found

    def write(self, number: int, keys: Sequence[bytes], records: Sequence[bytes]) -> None:
        for at in range(0, len(keys), _KEYS_PER_CALL):
            end = at + _KEYS_PER_CALL
            pairs = dict(zip(keys[at:end], records[at:end], strict=True))
            if not any(self._replace(number, pairs) for _ in range(_ATTEMPTS)):
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

    def load(self, pairs: dict[bytes, bytes]) -> None:
        items = list(pairs.items())
        for at in range(0, len(items), _KEYS_PER_CALL):
            self._redis.mset(cast(Any, dict(items[at : at + _KEYS_PER_CALL])))


class _Cluster:
    """Sends what many buckets need in one go to all servers; a transaction for each bucket would wait for each."""

    def __init__(self, client: RedisCluster) -> None:
        self._redis: Any = client  # the client has no types here

    def read(self, keys: Sequence[bytes]) -> list[bytes | None]:
        found: list[bytes | None] = []
        for at in range(0, len(keys), _KEYS_PER_ROUND):
            found += get_many(self._redis, keys[at : at + _KEYS_PER_ROUND])
        return found

    def write(self, number: int, keys: Sequence[bytes], records: Sequence[bytes]) -> None:
        for at in range(0, len(keys), _KEYS_PER_ROUND):
            end = at + _KEYS_PER_ROUND
            with self._redis.pipeline() as pipe:
                for bucket, pairs in _by_bucket(keys[at:end], records[at:end]):
                    fenced = [b"fraud:{%b}:fence" % bucket, *(key for key, _ in pairs)]
                    # With its server, or the client would send everything twice to learn which of it are keys.
                    node = self._redis.get_node_from_key(fenced[0])
                    records_of = (record for _, record in pairs)
                    pipe.execute_command("EVAL", _FENCED, len(fenced), *fenced, number, *records_of, target_nodes=node)
                held = max(cast("list[int]", pipe.execute()))
            if held:
                raise PlanLost(number, held, "")

    def load(self, pairs: dict[bytes, bytes]) -> None:
        self._redis.mset_nonatomic(cast(Any, pairs))


def _by_bucket(keys: Sequence[bytes], records: Sequence[bytes]) -> Iterator[tuple[bytes, list[tuple[bytes, bytes]]]]:
    """Pairs that lie in one bucket, as many as one call may hold."""
    found: dict[bytes, list[tuple[bytes, bytes]]] = defaultdict(list)
    for key, record in zip(keys, records, strict=True):
        pairs = found[bucket_in(key)]
        pairs.append((key, record))
        if len(pairs) == _KEYS_PER_CALL:
            yield bucket_in(key), found.pop(bucket_in(key))
    yield from found.items()
