"""`record_versions` of a decision, as JSON: how far each record had come when it was read, -1 where there was none.

A customer's record counts by the last offset it holds; those that customers share by the position of the plan that wrote
them last. A decision of the stream also says how far the stream had read, so that a replay can cut where it did.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import orjson

from fraud_prevention.ports import IntArray

# In the order of the columns of `shared`.
SHARED_RECORDS: Final = ("merchant", "terminal", "device", "network")
_ROW: Final = b'{"customer":%d,' + b",".join(b'"%s":%%d' % name.encode() for name in SHARED_RECORDS)


def record_versions(customers: Sequence[int], shared: IntArray, positions: Sequence[int] | None = None) -> list[bytes]:
    """One for each of n decisions.

    customers: of each customer's record; shared: i8[n, 4] of what each event names; positions: of each partition of the
    stream's plan, None where the stream does not decide.
    """
    row = _ROW + (b"}" if positions is None else b',"positions":' + orjson.dumps(list(positions)) + b"}")
    return [row % (customer, *read) for customer, read in zip(customers, shared.tolist(), strict=True)]
