"""Records of customers in Redis. Key: `fs:{bbb}customer`, by bucket; the bytes are `model.features.record`'s."""

from __future__ import annotations

from collections.abc import Sequence

from storage_security.redis.client import bucket_of
from storage_security.redis.record_store import RecordStore


def customer_keys(customer_ids: Sequence[str]) -> list[bytes]:
    """Where the customers' records are."""
    return [b"fs:{%03x}%b" % (bucket_of(name), name) for name in map(str.encode, customer_ids)]


class RedisCustomerStore(RecordStore):
    """See `RecordStore`."""

    def keys(self, customer_ids: Sequence[str]) -> list[bytes]:
        """Where the customers' records are."""
        return customer_keys(customer_ids)
