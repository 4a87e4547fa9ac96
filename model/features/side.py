"""What is learned of transactions after they happened: labels and the issuer's answers, as history gives them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from model.features.codes import codes_of, hash64
from model.features.entities.merge import REPORT, REPORTED_KINDS
from model.features.record import DECLINED, FRAUD

_LATEST_S: Final = 2**32 - 2


@dataclass(frozen=True, slots=True)
class SideTable:
    """n labels and answers in the order in which they were observed.

    customers: ids; transactions: codes u8[n]; observed_at, event_time: i8[n] in ms; flags u1[n]: FRAUD or DECLINED;
    is_set bool[n]: whether it says so, or the contrary; entities u8[n, 2]: codes of merchant and terminal of labels, 0
    for none.
    """

    customers: list[str]
    transactions: NDArray[np.uint64]
    observed_at: NDArray[np.int64]
    event_time: NDArray[np.int64]
    flags: NDArray[np.uint8]
    is_set: NDArray[np.bool_]
    entities: NDArray[np.uint64]

    def __len__(self) -> int:
        return len(self.customers)

    def rows(self, start: int, end: int) -> SideTable:
        """Some of them."""
        return SideTable(
            self.customers[start:end],
            self.transactions[start:end],
            self.observed_at[start:end],
            self.event_time[start:end],
            self.flags[start:end],
            self.is_set[start:end],
            self.entities[start:end],
        )

    def reports(self) -> NDArray[np.void]:
        """REPORT[r]: what the labels say of merchants and terminals."""
        found = []
        for column, kind in enumerate(REPORTED_KINDS):
            rows = np.flatnonzero((self.flags == FRAUD) & (self.entities[:, column] != 0))
            part = np.zeros(len(rows), REPORT)
            part["entity"], part["kind"] = self.entities[rows, column], kind
            part["time"], part["is_fraud"] = self.event_time[rows], self.is_set[rows]
            part["code"] = self.transactions[rows] & np.uint64(0xFFFFFFFF)
            part["observed_at"] = np.minimum(-(-self.observed_at[rows] // 1000), _LATEST_S)  # rounded up: never early
            found.append(part)
        return np.concatenate(found)

    def by_time(self, ends: Iterator[int]) -> Iterator[SideTable]:
        """For each of the rising times (ms), what was observed until then and was not given yet."""
        start = 0
        for time in ends:
            end = max(start, int(np.searchsorted(self.observed_at, time, side="right")))
            yield self.rows(start, end)
            start = end


def side_of(labels: pa.Table | None = None, answers: pa.Table | None = None) -> SideTable:
    """Rows of labels.v1 and authorisations.v1 together, in the order in which they were observed."""
    parts = [part for part in (_labels(labels), _answers(answers)) if part is not None]
    if not parts:
        nothing = np.zeros(0, np.int64)
        return SideTable(
            [], nothing.astype(np.uint64), nothing, nothing, nothing.astype(np.uint8), nothing > 0, _none(0)
        )
    observed = np.concatenate([p.observed_at for p in parts])
    order = np.argsort(observed, kind="stable")
    customers = [c for p in parts for c in p.customers]
    return SideTable(
        [customers[row] for row in order.tolist()],
        np.concatenate([p.transactions for p in parts])[order],
        observed[order],
        np.concatenate([p.event_time for p in parts])[order],
        np.concatenate([p.flags for p in parts])[order],
        np.concatenate([p.is_set for p in parts])[order],
        np.concatenate([p.entities for p in parts])[order],
    )


def _none(rows: int) -> NDArray[np.uint64]:
    return np.zeros((rows, len(REPORTED_KINDS)), np.uint64)


def _transactions(table: pa.Table) -> NDArray[np.uint64]:
    return np.array([hash64(text) for text in table.column("transaction_id").to_pylist()], np.uint64)


def _labels(table: pa.Table | None) -> SideTable | None:
    if table is None or not table.num_rows:
        return None
    return SideTable(
        table.column("customer_id").to_pylist(),
        _transactions(table),
        table.column("observed_at").to_numpy(),
        table.column("event_time").to_numpy(),
        np.full(table.num_rows, FRAUD, np.uint8),
        np.array(table.column("is_fraud").to_pylist(), np.bool_),
        np.stack([codes_of(table.column("merchant_id")), codes_of(table.column("terminal_id"))], axis=1),
    )


def _answers(table: pa.Table | None) -> SideTable | None:
    if table is None or not table.num_rows:
        return None
    return SideTable(
        table.column("customer_id").to_pylist(),
        _transactions(table),
        table.column("observed_at").to_numpy(),
        np.zeros(table.num_rows, np.int64),
        np.full(table.num_rows, DECLINED, np.uint8),
        np.array([result == "declined" for result in table.column("result").to_pylist()], np.bool_),
        _none(table.num_rows),
    )
