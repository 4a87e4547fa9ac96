"""Feature state as the API needs it: the customer's record, and a pending list beside it.

Key: `fp:{bbb}customer` the pending list, in the same bucket as the record, so that one script reads both.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, cast

import numpy as np

from fraud_prevention.domain.transaction import Transaction
from fraud_prevention.ports import CustomerState
from model.features.codes import entity_codes_of
from model.features.online import pending_entry, record_version
from model.features.record import CAP, ENTRY
from storage_security.redis.client import Client, ask, availability, bucket_of, run_script
from storage_security.redis.customer_store import customer_keys
from storage_security.redis.entity_store import entity_keys

# A pending entry whose transaction never reached the log (a crash between the two) stops counting after a day, by
# the clock of the Redis server, which every process shares.
PENDING_TTL_S: Final = 86_400
# An entry waits as ms since 1970 of its append (int64), then the event's bytes.
STAMP_BYTES: Final = 8

_ID_AT: Final = cast(int, cast(Any, ENTRY.fields)["transaction"][1])

# The pending list before this event, and the event behind it; the same id is never appended twice. What is out of
# time goes, and so does what an older layout has left.
_APPEND: Final = f"""
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local oldest = now - tonumber(ARGV[4]) * 1000
local before = {{}}
for _, held in ipairs(redis.call('LRANGE', KEYS[2], 0, -1)) do
  if #held ~= {STAMP_BYTES + ENTRY.itemsize} or struct.unpack('<i8', held) < oldest then
    redis.call('LREM', KEYS[2], 1, held)
  else
    local entry = string.sub(held, {STAMP_BYTES + 1})
    if string.sub(entry, {_ID_AT + 1}, {_ID_AT + 8}) == ARGV[2] then
      return {{redis.call('GET', KEYS[1]), before}}
    end
    before[#before + 1] = entry
  end
end
redis.call('RPUSH', KEYS[2], struct.pack('<i8', now) .. ARGV[1])
if #before >= tonumber(ARGV[3]) then redis.call('LPOP', KEYS[2]) end
redis.call('EXPIRE', KEYS[2], ARGV[4])
return {{redis.call('GET', KEYS[1]), before}}
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


def pending_key(customer_id: str) -> str:
    """Where the customer's pending list is."""
    return f"fp:{{{bucket_of(customer_id.encode()):03x}}}{customer_id}"


class RedisStateStore:
    """`ports.StateStore` for the API, and what concerns the state as a whole."""

    def __init__(self, client: Client) -> None:
        self._redis = client

    def read_and_append(self, transaction: Transaction) -> CustomerState:
        """See `ports.StateStore.read_and_append`. The list is capped at the ring's cap: older entries cannot count."""
        entry = pending_entry(transaction)
        keys: list[Any] = [*customer_keys([transaction.customer_id]), pending_key(transaction.customer_id)]
        named = np.array(entity_codes_of(transaction), np.uint64)
        kinds = np.flatnonzero(named)
        entities = entity_keys(named[kinds], kinds.astype(np.uint8))
        # By its text: a pipeline asks for a registered script before each use.
        append = ["EVAL", _APPEND, len(keys), *keys, entry, entry[_ID_AT : _ID_AT + 8], CAP, PENDING_TTL_S]
        with availability():
            (record, pending), *found = ask(self._redis, [append, *(["GET", key] for key in entities)])
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
        with availability():
            run_script(self._redis, _DROP, [pending_key(customer_id)], *entries)

    def ping(self) -> None:
        """See `ports.StateStore.ping`."""
        with availability():
            self._redis.ping()

    def is_empty(self) -> bool:
        """Whether no customer has a record."""
        with availability():
            return next(iter(self._redis.scan_iter("fs:{*", count=1_000)), None) is None

    def clear(self, batch: int = 2_000) -> int:
        """Remove every record, pending list and plan; returns how many keys went."""
        count = 0
        with availability():
            for pattern in ("fs:{*", "fp:{*", "fe:{*", "fx:*", "fraud:{*"):
                doomed: list[Any] = []
                for key in self._redis.scan_iter(pattern, count=batch):
                    doomed.append(key)
                    if len(doomed) >= batch:
                        count += int(self._redis.unlink(*doomed))
                        doomed = []
                if doomed:
                    count += int(self._redis.unlink(*doomed))
        return count
