"""Records of the stream in Redis, one string each: read many, write many behind the number of the plan that writes.

Key: `fraud:{stream}:fence`, the greatest number of a plan that has written; in a cluster `fraud:{bbb}:fence`, that of the
greatest which has written in the bucket. Either keeps a plan from what a later one has written.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any, Final, cast

import redis
from redis.cluster import RedisCluster

from fraud_prevention.domain.errors import PlanLost, Unavailable
from storage_security.redis.client import Client, availability, bucket_in, get_many, set_many

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


class RecordStore:
    """Batch reads and fenced writes. All calls raise Unavailable."""

    def __init__(self, client: Client) -> None:
        self._redis = client
        self._replace: Callable[[int, Sequence[bytes], Sequence[bytes]], None]
        if isinstance(client, RedisCluster):
            self._at_once, self._replace = _KEYS_PER_ROUND, partial(_replace_in_cluster, client)
        else:
            self._at_once, self._replace = _KEYS_PER_CALL, partial(_replace_on_server, client)

    def read(self, keys: Sequence[bytes]) -> list[bytes | None]:
        """The records, None where there is none."""
        found: list[bytes | None] = []
        with availability():
            for at in range(0, len(keys), self._at_once):
                found += get_many(self._redis, keys[at : at + self._at_once])
        return found

    def write(self, number: int, keys: Sequence[bytes], records: Sequence[bytes]) -> None:
        """Replace records for the plan of that number. Raises PlanLost where a later plan has written.

        Each call to a server is all or nothing; a refusal in a later call leaves the earlier ones written, which a
        retry of the same plan repeats with the same bytes.
        """
        with availability():
            for at in range(0, len(keys), self._at_once):
                end = at + self._at_once
                self._replace(number, keys[at:end], records[at:end])

    def load(self, keys: Iterable[bytes], records: Iterable[bytes]) -> int:
        """Put records of a rebuild in place, whatever was there; returns how many."""
        count = 0
        pending: dict[bytes, bytes] = {}
        with availability():
            for key, record in zip(keys, records, strict=True):
                pending[key] = record
                count += 1
                if len(pending) == self._at_once:
                    set_many(self._redis, pending)
                    pending = {}
            if pending:
                set_many(self._redis, pending)
        return count


def _replace_on_server(client: redis.Redis, number: int, keys: Sequence[bytes], records: Sequence[bytes]) -> None:
    pairs = dict(zip(keys, records, strict=True))
    if not any(_transact(client, number, pairs) for _ in range(_ATTEMPTS)):
        raise Unavailable("redis", f"the fence moved {_ATTEMPTS} times while plan {number} was writing")


def _transact(client: redis.Redis, number: int, pairs: dict[bytes, bytes]) -> bool:
    """One transaction, which fails (False) where the fence moves at the same time."""
    with client.pipeline() as pipe:
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


def _replace_in_cluster(client: RedisCluster, number: int, keys: Sequence[bytes], records: Sequence[bytes]) -> None:
    """What many buckets need, in one go to all servers: a transaction for each bucket would wait for each."""
    cluster: Any = client  # the client has no types here
    with cluster.pipeline() as pipe:
        for bucket, pairs in _by_bucket(keys, records):
            fenced = [b"fraud:{%b}:fence" % bucket, *(key for key, _ in pairs)]
            values = (record for _, record in pairs)
            # With its server, or the client would send everything twice to learn which of it are keys.
            node = cluster.get_node_from_key(fenced[0])
            pipe.execute_command("EVAL", _FENCED, len(fenced), *fenced, number, *values, target_nodes=node)
        held = max(cast("list[int]", pipe.execute()))
    if held:
        raise PlanLost(number, held, "")


def _by_bucket(keys: Sequence[bytes], records: Sequence[bytes]) -> Iterator[tuple[bytes, list[tuple[bytes, bytes]]]]:
    """Pairs that lie in one bucket, as many as one call may hold."""
    found: dict[bytes, list[tuple[bytes, bytes]]] = defaultdict(list)
    for key, record in zip(keys, records, strict=True):
        bucket = bucket_in(key)
        found[bucket].append((key, record))
        if len(found[bucket]) == _KEYS_PER_CALL:
            yield bucket, found.pop(bucket)
    yield from found.items()
