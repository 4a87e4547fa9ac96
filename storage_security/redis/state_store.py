"""Feature state in Redis: one packed record per customer, written by the stream, fenced; a pending list beside it.

Keys: `fs:{customer}` the record, `fp:{customer}` the pending list (same hash slot, so that one script reads
both). The bytes are `model.features.record`'s; of their layout this module knows only what the fence needs.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final, cast

import numpy as np
import redis

from config import RedisSettings
from fraud_prevention.domain.errors import StateFenced, Unavailable
from fraud_prevention.domain.transaction import Transaction
from fraud_prevention.ports import CustomerState
from model.features.codes import entity_codes_of
from model.features.engine import BatchSpan
from model.features.online import pending_entry, record_version
from model.features.record import CAP, ENTRY, HEADER
from storage_security.redis.entity_store import entity_keys

# One script call holds the server for about a millisecond at this many records.
_KEYS_PER_CALL: Final = 500
# A pending entry whose transaction never reached the log (a crash between the two) stops counting after a day, by
# the clock of the Redis server, which every process shares.
PENDING_TTL_S: Final = 86_400
# An entry waits as ms since 1970 of its append (int64), then the event's bytes.
STAMP_BYTES: Final = 8

_OFFSETS_AT: Final = cast(int, cast(Any, HEADER.fields)["start_offset"][1])
_ID_AT: Final = cast(int, cast(Any, ENTRY.fields)["transaction"][1])

# All or nothing: look at every header first, write only if no newer batch has been there.
_WRITE: Final = f"""
local start, stop = tonumber(ARGV[1]), tonumber(ARGV[2])
for i, key in ipairs(KEYS) do
  local held = redis.call('GETRANGE', key, {_OFFSETS_AT}, {_OFFSETS_AT + 15})
  if #held == 16 then
    local s, e = struct.unpack('<i8i8', held)
    if s > start or (s == start and e > stop) then return {{i, s}} end
  end
end
for i, key in ipairs(KEYS) do redis.call('SET', key, ARGV[i + 2]) end
return {{0, 0}}
"""

# The pending list before this event, and the event behind it; the same id is never appended twice. What is out of
# time goes, and so does what an older layout has left.
_APPEND: Final = f"""
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local oldest = now - tonumber(ARGV[4]) * 1000
local before, shared = {{}}, {{}}
for i = 3, #KEYS do shared[i - 2] = redis.call('GET', KEYS[i]) end
for _, held in ipairs(redis.call('LRANGE', KEYS[2], 0, -1)) do
  if #held ~= {STAMP_BYTES + ENTRY.itemsize} or struct.unpack('<i8', held) < oldest then
    redis.call('LREM', KEYS[2], 1, held)
  else
    local entry = string.sub(held, {STAMP_BYTES + 1})
    if string.sub(entry, {_ID_AT + 1}, {_ID_AT + 8}) == ARGV[2] then
      return {{redis.call('GET', KEYS[1]), before, shared}}
    end
    before[#before + 1] = entry
  end
end
redis.call('RPUSH', KEYS[2], struct.pack('<i8', now) .. ARGV[1])
if #before >= tonumber(ARGV[3]) then redis.call('LPOP', KEYS[2]) end
redis.call('EXPIRE', KEYS[2], ARGV[4])
return {{redis.call('GET', KEYS[1]), before, shared}}
"""

# Takes entries out by the event's bytes, whenever they were appended.
_DROP: Final = f"""
local doomed = {{}}
for _, entry in ipairs(ARGV) do doomed[entry] = true end
for _, held in ipairs(redis.call('LRANGE', KEYS[1], 0, -1)) do
  if doomed[string.sub(held, {STAMP_BYTES + 1})] then redis.call('LREM', KEYS[1], 1, held) end
end
return 1
"""


def connect(settings: RedisSettings) -> redis.Redis:
    """A client with bounded time-outs; connects on first use."""
    timeout_s = settings.timeout_ms / 1000
    return redis.Redis.from_url(settings.url, socket_timeout=timeout_s, socket_connect_timeout=timeout_s)


def record_key(customer_id: str) -> str:
    """Where the customer's record is."""
    return f"fs:{{{customer_id}}}"


def pending_key(customer_id: str) -> str:
    """Where the customer's pending list is."""
    return f"fp:{{{customer_id}}}"


class RedisStateStore:
    """`ports.StateStore` for the API, and the batch reads and fenced writes of the stream."""

    def __init__(self, client: redis.Redis) -> None:
        self._redis = client
        self._write = client.register_script(_WRITE)
        self._append = client.register_script(_APPEND)
        self._drop = client.register_script(_DROP)

    def read_and_append(self, transaction: Transaction) -> CustomerState:
        """See `ports.StateStore.read_and_append`. The list is capped at the ring's cap: older entries cannot count."""
        entry = pending_entry(transaction)
        keys: list[Any] = [record_key(transaction.customer_id), pending_key(transaction.customer_id)]
        named = np.array(entity_codes_of(transaction), np.uint64)
        kinds = np.flatnonzero(named)
        keys += entity_keys(named[kinds], kinds.astype(np.uint8))
        try:
            record, pending, found = self._append(keys, [entry, entry[_ID_AT : _ID_AT + 8], CAP, PENDING_TTL_S])
        except redis.RedisError as error:
            raise Unavailable("redis", str(error)) from error
        shared: list[bytes | None] = [None] * len(named)
        for kind, blob in zip(kinds.tolist(), found, strict=True):
            shared[kind] = blob
        return CustomerState(record, tuple(pending), record_version(record), tuple(shared))

    def withdraw(self, transaction: Transaction) -> None:
        """See `ports.StateStore.withdraw`."""
        self.drop_pending(transaction.customer_id, [pending_entry(transaction)])

    def drop_pending(self, customer_id: str, entries: Sequence[bytes]) -> None:
        """See `ports.StateStore.drop_pending`."""
        if not entries:
            return
        try:
            self._drop([pending_key(customer_id)], list(entries))
        except redis.RedisError as error:
            raise Unavailable("redis", str(error)) from error

    def ping(self) -> None:
        """See `ports.StateStore.ping`."""
        try:
            self._redis.ping()
        except redis.RedisError as error:
            raise Unavailable("redis", str(error)) from error

    def read(self, customer_ids: Sequence[str]) -> list[bytes | None]:
        """The customers' records, None where there is none. Raises Unavailable."""
        if not customer_ids:
            return []
        try:
            return cast("list[bytes | None]", self._redis.mget([record_key(c) for c in customer_ids]))
        except redis.RedisError as error:
            raise Unavailable("redis", str(error)) from error

    def write(self, customer_ids: Sequence[str], records: Sequence[bytes], span: BatchSpan) -> None:
        """Replace the records, unless a newer batch (or a longer cut of this one) has written one of them.

        Each call to the server is all or nothing; a refusal in a later call leaves the earlier ones written,
        which a retry of the same batch repeats with the same bytes. Raises StateFenced, Unavailable.
        """
        for at in range(0, len(customer_ids), _KEYS_PER_CALL):
            names = customer_ids[at : at + _KEYS_PER_CALL]
            values = records[at : at + _KEYS_PER_CALL]
            try:
                refused, held = self._write(
                    [record_key(c) for c in names], [span.start_offset, span.end_offset, *values]
                )
            except redis.RedisError as error:
                raise Unavailable("redis", str(error)) from error
            if refused:
                raise StateFenced(names[refused - 1], held, span.start_offset)

    def load(self, records: Iterable[tuple[str, bytes]], batch: int = 2_000) -> int:
        """Put records of a rebuild from history in place, whatever was there; returns how many."""
        count = 0
        pending: dict[str, bytes] = {}
        for customer_id, record in records:
            pending[record_key(customer_id)] = record
            count += 1
            if len(pending) >= batch:
                self._redis.mset(cast(Any, pending))
                pending = {}
        if pending:
            self._redis.mset(cast(Any, pending))
        return count

    def is_empty(self) -> bool:
        """Whether no customer has a record."""
        return next(iter(self._redis.scan_iter("fs:{*", count=1_000)), None) is None

    def clear(self, batch: int = 2_000) -> int:
        """Remove every record, pending list and plan; returns how many keys went."""
        count = 0
        for pattern in ("fs:{*", "fp:{*", "fe:*", "fx:*", "fraud:{stream}:*"):
            doomed = []
            for key in self._redis.scan_iter(pattern, count=batch):
                doomed.append(key)
                if len(doomed) >= batch:
                    count += self._redis.unlink(*doomed)
                    doomed = []
            if doomed:
                count += self._redis.unlink(*doomed)
        return count
