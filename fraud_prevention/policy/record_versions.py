"""`record_versions` of a decision, as JSON: how far each record had come when it was read, -1 where there was none.

A customer's record counts by the last offset it holds; those that customers share by the position of the plan that wrote
them last. A decision of the stream also says how far the stream had read, so that a replay can cut where it did.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import orjson

from fraud_prevention.policy.json_rows import Columns, Slot, Template, TextColumn, coded
from fraud_prevention.ports import IntArray

# In the order of the columns of `shared`.
SHARED_RECORDS: Final = ("merchant", "terminal", "device", "network")
_PLACES: Final = dict.fromkeys(("customer", *SHARED_RECORDS), Slot.INTEGER)
_API: Final = Template({**_PLACES})
_STREAM: Final = Template({**_PLACES, "positions": Slot.JSON})


def record_versions(customers: IntArray, shared: IntArray, positions: Sequence[int] | None = None) -> TextColumn:
    """One for each of n decisions.

    customers: i8[n], of each customer's record; shared: i8[n, 4] of what each event names; positions: of each partition
    of the stream's plan, None where the stream does not decide.
    """
    rows = len(customers)
    integers = {"customer": customers, **{name: shared[:, i] for i, name in enumerate(SHARED_RECORDS)}}
    if positions is None:
        return _API.column(Columns({}, integers, {}), rows)
    same = coded([orjson.dumps(list(positions))], np.zeros(rows, np.intp))
    return _STREAM.column(Columns({"positions": same}, integers, {}), rows)
