"""`record_versions` of a decision: the last log offset that each record held when it was read, as JSON.

A customer's record has one offset. Records that customers share are written by several partitions: the stream reads all
of them at one position of each partition, the API as it finds them, each with the partitions that have reached it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import orjson


def stream_versions(customers: Sequence[int], positions: Sequence[int] | None = None) -> list[bytes]:
    """One for each of n decisions of a batch.

    customers: offset held by each customer's record, -1 for none.
    positions: offset held by all shared records of each partition, -1 for none; None where no shared record was read.
    """
    shared = b"" if positions is None else b',"positions":' + orjson.dumps(list(positions))
    return [b'{"customer":%d%s}' % (customer, shared) for customer in customers]


def api_versions(customer: int, shared: Mapping[str, Mapping[int, int]] | None = None) -> bytes:
    """That of one decision of the API.

    shared: for "merchant", "terminal", "device" and "network" the offset by partition, as far as it has reached the
            record; None where no shared record was read.
    """
    return orjson.dumps({"customer": customer, **(shared or {})}, option=orjson.OPT_NON_STR_KEYS)
