"""Compares served vectors with recomputed ones, feature by feature, for a sample of the transactions.

What a mismatch means depends on who served:

- Vectors of the stream match exactly, as long as events are at most five seconds out of order across partitions
  (windows of merchants, terminals, devices and networks end at `horizon`, at least five seconds before the event),
  labels come into the log by the time they were observed (`observed_at` places them in the recomputation), and no such
  entity has more sightings than its ring keeps exactly. A mismatch within these bounds is a fault.
- Vectors of the API were computed on the records of the stream's last plan and the customer's pending events. Their
  few differences measure how far behind these records were, hence the label `decided_by`.

Knows no log and no clock: it is handed what was recomputed and what was served, in any order.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

import numpy as np
import structlog
from numpy.typing import NDArray

from data_pipeline.skew.recompute import Recomputed
from data_pipeline.skew.served import DECIDERS, Served, id_of, read_served
from model.features.catalogue import CATALOGUE_VERSION, FEATURE_COUNT, FEATURE_NAMES
from model.features.codes import hash64

log = structlog.get_logger()

OTHER_CATALOGUE: Final = "other_catalogue"  # served by another definition of the features
MALFORMED: Final = "malformed"  # the served record breaks its contract
NOT_SERVED: Final = "not_served"  # recomputed, and no vector came while there was room to wait
NOT_RECOMPUTED: Final = "not_recomputed"  # served, and no transaction came while there was room to wait
REASONS: Final = (OTHER_CATALOGUE, MALFORMED, NOT_SERVED, NOT_RECOMPUTED)

_SHOWN: Final = 3  # mismatches of each feature that are logged; the count says the rest
_Kept = TypeVar("_Kept")


def _no_mismatches() -> dict[str, NDArray[np.int64]]:
    return {by: np.zeros(FEATURE_COUNT, np.int64) for by in DECIDERS}


@dataclass(slots=True)
class Tally:
    """What was found so far. mismatches: by who decided, i8[F] in the order of the catalogue."""

    compared: dict[str, int] = field(default_factory=lambda: dict.fromkeys(DECIDERS, 0))
    mismatches: dict[str, NDArray[np.int64]] = field(default_factory=_no_mismatches)
    mismatched_vectors: int = 0
    unmatched: dict[str, int] = field(default_factory=lambda: dict.fromkeys(REASONS, 0))

    def summary(self) -> dict[str, Any]:
        """The same for a line of JSON; features and reasons with a count only."""
        totals = np.sum(list(self.mismatches.values()), axis=0).tolist()
        return {
            "compared": sum(self.compared.values()),
            "mismatched_vectors": self.mismatched_vectors,
            "features": {name: count for name, count in zip(FEATURE_NAMES, totals, strict=True) if count},
            "unmatched": {reason: count for reason, count in self.unmatched.items() if count},
        }


class SkewMeter:
    """Matches both sides of each sampled transaction, whichever comes first.

    share: of the transactions, chosen by a hash of the id, so that both sides and every run choose the same ones.
    capacity: vectors that may wait on each side, and ids that are remembered so that a repeated record counts once;
    the oldest is dropped, and a vector that is dropped is counted.
    """

    def __init__(self, share: float, capacity: int) -> None:
        self._below = int(share * 2**64)
        self._capacity = capacity
        self._recomputed: OrderedDict[str, NDArray[np.float64]] = OrderedDict()
        self._served: OrderedDict[str, Served] = OrderedDict()
        self._done: OrderedDict[str, None] = OrderedDict()
        self._shown: Counter[int] = Counter()
        self.tally = Tally()

    def is_sampled(self, transaction_id: str) -> bool:
        """Whether the transaction is one of those that are compared."""
        return hash64(transaction_id) < self._below

    @property
    def is_short_of_served(self) -> bool:
        """Half of the room is taken by recomputed vectors that wait for served ones."""
        return len(self._recomputed) * 2 >= self._capacity

    @property
    def is_short_of_recomputed(self) -> bool:
        """Half of the room is taken by served vectors that wait for recomputed ones."""
        return len(self._served) * 2 >= self._capacity

    def take_recomputed(self, found: Recomputed) -> None:
        """Compare with what was served, or keep until it is."""
        for row, name in enumerate(found.ids):
            if not self.is_sampled(name) or name in self._done:
                continue
            served = self._served.pop(name, None)
            if served is not None:
                self._compare(served, found.vectors[row])
                continue
            self._recomputed[name] = found.vectors[row].copy()  # a view would hold the whole chunk
            self._drop_oldest(self._recomputed, NOT_SERVED)

    def take_served(self, values: Iterable[bytes | None]) -> None:
        """Take records of `features.v1` in; of a transaction that stands there twice, the first."""
        for value in values:
            name = id_of(value or b"")
            if name is None:
                self.tally.unmatched[MALFORMED] += 1
            elif self.is_sampled(name) and name not in self._done and name not in self._served:
                self._take_one(name, read_served(value or b""))

    def close(self) -> None:
        """Nothing more will come: count what still waits."""
        for kept, reason in ((self._recomputed, NOT_SERVED), (self._served, NOT_RECOMPUTED)):
            self.tally.unmatched[reason] += len(kept)
        self._recomputed.clear()
        self._served.clear()

    def _take_one(self, name: str, served: Served | None) -> None:
        if served is not None and served.catalogue_version != CATALOGUE_VERSION:
            self._pass_over(name, OTHER_CATALOGUE)
        elif served is None or len(served.vector) != FEATURE_COUNT:
            self._pass_over(name, MALFORMED)
        elif (recomputed := self._recomputed.pop(name, None)) is not None:
            self._compare(served, recomputed)
        else:
            self._served[name] = served
            self._drop_oldest(self._served, NOT_RECOMPUTED)

    def _pass_over(self, name: str, reason: str) -> None:
        self.tally.unmatched[reason] += 1
        self._recomputed.pop(name, None)
        self._finish(name)

    def _compare(self, served: Served, recomputed: NDArray[np.float64]) -> None:
        self._finish(served.transaction_id)
        self.tally.compared[served.decided_by] += 1
        is_other = served.vector.view(np.uint64) != recomputed.view(np.uint64)
        places = np.flatnonzero(is_other & ~(np.isnan(served.vector) & np.isnan(recomputed)))
        if not places.size:
            return
        self.tally.mismatched_vectors += 1
        self.tally.mismatches[served.decided_by][places] += 1
        for place in places.tolist():
            if self._shown[place] < _SHOWN:
                self._shown[place] += 1
                log.warning(
                    "feature skew",
                    feature=FEATURE_NAMES[place],
                    transaction_id=served.transaction_id,
                    decided_by=served.decided_by,
                    served=float(served.vector[place]),
                    recomputed=float(recomputed[place]),
                )

    def _finish(self, name: str) -> None:
        self._done[name] = None
        if len(self._done) > self._capacity:
            self._done.popitem(last=False)

    def _drop_oldest(self, kept: OrderedDict[str, _Kept], reason: str) -> None:
        if len(kept) > self._capacity:
            kept.popitem(last=False)
            self.tally.unmatched[reason] += 1
