"""Records of customers in Redis. Key: `fs:{customer}`; the bytes are `model.features.record`'s."""

from __future__ import annotations

from collections.abc import Sequence

from storage_security.redis.record_store import RecordStore


def customer_keys(customer_ids: Sequence[str]) -> list[bytes]:
    """Where the customers' records are."""
    return [b"fs:{%b}" % customer_id.encode() for customer_id in customer_ids]


class RedisCustomerStore(RecordStore):
    """See `RecordStore`."""

    def keys(self, customer_ids: Sequence[str]) -> list[bytes]:
        """Where the customers' records are."""
        return customer_keys(customer_ids)
