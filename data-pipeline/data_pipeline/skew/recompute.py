"""The offline path: one replay over everything that the log says, as training has it.

Values are taken from the records' JSON, not from the stream's compiled scan, so that a fault of the scan shows as well.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from operator import attrgetter
from typing import Final, NamedTuple

import numpy as np
import orjson
import pyarrow as pa
import structlog
from numpy.typing import NDArray

from data_pipeline.history.files import HISTORY_SCHEMA
from data_pipeline.stream.side_inputs import SideInput
from model.features import kernel
from model.features.record import DECLINED, FRAUD
from model.features.replay_engines import Replay
from model.features.side import SideTable

log = structlog.get_logger()

_observed_at: Final = attrgetter("observed_at")
# Of 200 to 300 bytes each; so many wait only where labels are dated far ahead of the transactions.
MOST_WAITING: Final = 200_000


class Recomputed(NamedTuple):
    """Ids of n transactions that were new, and their vectors f8[n, F]."""

    ids: list[str]
    vectors: NDArray[np.float64]


class Recompute:
    """Feeds the replay; labels and answers wait until a transaction is as late as their observation.

    engine: a new one, or one that has a history behind it.
    """

    def __init__(self, engine: Replay) -> None:
        self._engine = engine
        self._waiting: list[SideInput] = []

    def learn(self, inputs: Sequence[SideInput]) -> None:
        """Take labels and answers in, in the order of their logs."""
        if not inputs:
            return
        self._waiting = sorted([*self._waiting, *inputs], key=_observed_at)
        if len(self._waiting) > MOST_WAITING:
            log.warning("labels dated too far ahead dropped", count=len(self._waiting) - MOST_WAITING)
            del self._waiting[MOST_WAITING:]

    def add(self, bodies: Sequence[bytes]) -> Recomputed:
        """Vectors of valid payloads of transactions.v1, one or more, in the order given; without repeats and conflicts."""
        payloads = [orjson.loads(body) for body in bodies]
        newest = max(payload["event_time"] for payload in payloads)
        due = bisect_right(self._waiting, newest, key=_observed_at)
        side, self._waiting = _side_table(self._waiting[:due]), self._waiting[due:]
        computed = self._engine.add(pa.Table.from_pylist(payloads, HISTORY_SCHEMA), side)
        new = np.flatnonzero(computed.status == kernel.NEW)
        return Recomputed([payloads[row]["transaction_id"] for row in new.tolist()], computed.vectors[new])


def _side_table(inputs: Sequence[SideInput]) -> SideTable:
    """The same as columns; in the order of observation."""
    return SideTable(
        [i.customer_id for i in inputs],
        np.array([i.transaction for i in inputs], np.uint64),
        np.array([i.observed_at for i in inputs], np.int64),
        np.array([i.event_time for i in inputs], np.int64),
        np.array([FRAUD if i.is_label else DECLINED for i in inputs], np.uint8),
        np.array([i.is_bad for i in inputs], np.bool_),
        np.array([(i.merchant, i.terminal) for i in inputs], np.uint64).reshape(-1, 2),
    )
