"""State of a whole history in memory: of customers, of shared entities, and of both together.

A chunk is to shared entities what a plan is to the stream: vectors do not depend on where it ends, as long as no entity
has more sightings than the ring's cap.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from model.features import kernel
from model.features.catalogue import SHARED
from model.features.codes import encode_table, entity_codes, index_customers, null_columns
from model.features.engine import NO_MARKS, OPTIONAL_COLUMNS, Computed, place_marks, run_kernel
from model.features.entities import engine as shared
from model.features.entities.merge import REPORT, PlanSpan, meetings_of, merge, places_of_meetings, touched
from model.features.entities.record import pack as pack_shared
from model.features.record import ENTRY, MARK, Entries, Headers, empty_headers, pack
from model.features.side import SideTable

NO_REPORTS: Final = np.zeros(0, REPORT)


class CustomerReplay:
    """History of customers through the kernel, chunk by chunk; holds the state of every customer seen."""

    def __init__(self) -> None:
        self._places: dict[str, int] = {}
        self._headers: Headers = empty_headers(0)
        self._entries: Entries = np.zeros(0, ENTRY)
        self._starts: NDArray[np.int64] = np.zeros(0, np.int64)
        self._offset = 0

    def add(self, table: pa.Table, side: SideTable | None = None) -> tuple[Entries, Computed]:
        """The rows as ENTRY[n], and their features without those of shared entities. See `Replay.add`."""
        offsets = np.arange(self._offset, self._offset + table.num_rows, dtype=np.int64)
        self._offset += table.num_rows
        local, names = index_customers(table)
        if side is not None:
            names = names + side.customers
        places = np.array([self._places.setdefault(n, len(self._places)) for n in names], np.int32)
        customers = places[local] if len(names) else local
        self._make_room(customers)
        events = encode_table(table, offsets)
        marks = NO_MARKS if side is None else self._marks(events, side)
        return events, run_kernel(events, customers, self._headers, self._entries, self._starts, marks)

    def _marks(self, events: Entries, side: SideTable) -> NDArray[np.void]:
        marks = np.zeros(len(side.customers), MARK)
        marks["customer"] = [self._places[c] for c in side.customers]
        marks["transaction"], marks["flag"], marks["is_set"] = side.transactions, side.flags, side.is_set
        return place_marks(events, marks, side.observed_at)

    def _make_room(self, customers: NDArray[np.int32]) -> None:
        count = len(self._places)
        fresh = empty_headers(count - self._headers.shape[0])
        headers = np.concatenate([self._headers, fresh])
        starts = np.concatenate([self._starts, np.zeros(len(fresh), np.int64)])
        room = np.bincount(customers, minlength=count).astype(np.int64)
        moved = np.zeros(int(headers["count"].sum() + room.sum()), ENTRY)
        new_starts = np.zeros(count, np.int64)
        kernel.relayout(headers, self._entries, starts, room, moved, new_starts)
        self._headers, self._entries, self._starts = headers, moved, new_starts

    def records(self) -> dict[str, bytes]:
        """The state as records that no batch has written yet: what a rebuild from history puts into the store."""
        headers = self._headers.copy()
        entries = self._entries.copy()
        entries["offset"] = -1
        headers["last_offset"] = -1
        for name in ("total", "newest", "floor", "last_offset"):
            headers[f"{name}_base"] = headers[name]
        return dict(zip(self._places, pack(headers, entries, self._starts), strict=True))


class EntityReplay:
    """What was met of shared entities, chunk by chunk; holds the record of every entity seen."""

    def __init__(self) -> None:
        self._records: dict[tuple[int, int], bytes] = {}
        self._chunks = 0

    def add(self, met: NDArray[np.void], reports: NDArray[np.void]) -> NDArray[np.float64]:
        """Take a chunk's MEETING[m] and REPORT[r] in; the entities' features at each meeting, as `shared.fill` wants."""
        target = touched(met, reports)
        keys = list(zip(target.kinds.tolist(), target.codes.tolist(), strict=True))
        span = PlanSpan(0, self._chunks, self._chunks + 1)
        self._chunks += 1
        records = merge([self._records.get(key) for key in keys], target, met, reports, span)
        answers = shared.answer(met, target.places, records)
        self._records.update(zip(keys, pack_shared(records), strict=True))
        return answers

    def records(self) -> tuple[NDArray[np.uint64], NDArray[np.uint8], list[bytes]]:
        """Codes u8[k], kinds u1[k] and records that no plan has written yet."""
        keys = np.array(list(self._records), np.uint64).reshape(-1, 2)
        return keys[:, 1], keys[:, 0].astype(np.uint8), shared.unwritten(list(self._records.values()))


class Replay:
    """History through the kernel, chunk by chunk, in one process."""

    def __init__(self) -> None:
        self._customers, self._entities = CustomerReplay(), EntityReplay()

    def add(self, table: pa.Table, side: SideTable | None = None) -> Computed:
        """Features of the rows, in the order given, with the columns of `transactions.v1`.

        side: labels and answers that were observed by the time of the last row.

        The place in the log is the row's number since this object was made.
        """
        table = null_columns(table, OPTIONAL_COLUMNS)
        events, computed = self._customers.add(table, side)
        entities, is_new = entity_codes(table), computed.status == kernel.NEW
        met = meetings_of(events, entities, computed.explained, is_new)
        answers = self._entities.add(met, NO_REPORTS if side is None else side.reports())
        fill_shared([answers], [slice(None)], *places_of_meetings(entities, is_new), computed.vectors)
        return computed

    def records(self) -> dict[str, bytes]:
        """The customers' state as records that no batch has written yet."""
        return self._customers.records()

    def shared_records(self) -> tuple[NDArray[np.uint64], NDArray[np.uint8], list[bytes]]:
        """Likewise of the shared entities: codes u8[k], kinds u1[k] and records."""
        return self._entities.records()


def fill_shared(
    answers: Sequence[NDArray[np.float64]],
    asked: Sequence[slice | NDArray[np.bool_]],
    rows: NDArray[np.intp],
    kinds: NDArray[np.uint8],
    vectors: NDArray[np.float64],
) -> None:
    """Put answers into the shared entities' part of f8[n, F]; asked[i] chooses the meetings that answers[i] is about."""
    out = vectors[:, SHARED]
    out[:] = shared.DEFAULTS
    for part, chosen in zip(answers, asked, strict=True):
        shared.fill(rows[chosen], kinds[chosen], part, out)
