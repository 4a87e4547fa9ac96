"""Batches through the kernel: one call for stream and API, one stateful object for replay."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fraud_prevention.domain.errors import StateFenced, StateMisplaced
from model.features import kernel
from model.features.catalogue import FEATURE_COUNT, FEATURES, SHARED
from model.features.codes import encode_table, entity_codes, index_customers, null_columns
from model.features.entities import engine as shared
from model.features.entities.merge import REPORT, PlanSpan, meetings_of, merge, places_of_meetings, touched
from model.features.entities.record import pack as pack_shared
from model.features.families.card import MEDIAN_OF
from model.features.record import ENTRY, MARK, Entries, Headers, empty_headers, pack, unpack
from model.features.side import SideTable

DEFAULTS: Final = np.array([f.default for f in FEATURES])
OPTIONAL_COLUMNS: Final = {
    "terminal_id": pa.string(),
    "device_id": pa.string(),
    "ip": pa.string(),
    "lat": pa.float64(),
    "lon": pa.float64(),
}
NO_MARKS: Final = np.zeros(0, MARK)


@dataclass(frozen=True, slots=True)
class Computed:
    """What came of n events.

    vectors f8[n, F]; status u1[n] (kernel.NEW, REPEAT, CONFLICT); versions i8[n] (offset that the customer's record
    held before the event); explained u1[n] (the card's history explains a suspicion).
    """

    vectors: NDArray[np.float64]
    status: NDArray[np.uint8]
    versions: NDArray[np.int64]
    explained: NDArray[np.uint8]

    def put(self, rows: NDArray[np.intp], part: Computed) -> None:
        """Take the results of some rows from a part."""
        self.vectors[rows], self.status[rows], self.versions[rows] = part.vectors, part.status, part.versions
        self.explained[rows] = part.explained


def empty_computed(rows: int) -> Computed:
    """Room for the results of n rows."""
    return Computed(
        np.empty((rows, FEATURE_COUNT)), np.empty(rows, np.uint8), np.empty(rows, np.int64), np.empty(rows, np.uint8)
    )


def _run(
    events: Entries,
    customers: NDArray[np.int32],
    headers: Headers,
    entries: Entries,
    starts: NDArray[np.int64],
    marks: NDArray[np.void] = NO_MARKS,
) -> Computed:
    found = empty_computed(events.shape[0])
    kernel.process(
        events,
        customers,
        headers,
        entries,
        starts,
        marks,
        DEFAULTS,
        found.vectors,
        found.status,
        found.versions,
        found.explained,
        np.empty(MEDIAN_OF, np.int64),
    )
    return found


def place_marks(events: Entries, marks: NDArray[np.void], observed_at: NDArray[np.int64]) -> NDArray[np.void]:
    """The marks MARK[m] in the order in which they come among the events.

    What was observed at a time (ms) is seen from the first event, in the order of the log, that is not older, but not
    before the transaction of which it was observed.
    """
    placed = marks.copy()
    if len(events):
        order = np.argsort(events["transaction"], kind="stable")
        ids = events["transaction"][order]
        own = np.minimum(np.searchsorted(ids, marks["transaction"]), len(ids) - 1)
        behind = np.where(ids[own] == marks["transaction"], order[own] + 1, 0)
        placed["before"] = np.maximum(np.searchsorted(np.maximum.accumulate(events["event_time"]), observed_at), behind)
    return placed[np.argsort(placed["before"], kind="stable")]


@dataclass(frozen=True, slots=True)
class BatchSpan:
    """What writes customers' records.

    log: hash of the topic's id. start_offset, end_offset: where the partition's batch begins and ends, summed over
    the input topics; the start is the fence. first_event: offset of its first transaction.
    """

    log: int
    partition: int
    start_offset: int
    end_offset: int
    first_event: int


def compute_batch(
    events: Entries,
    customers: NDArray[np.int32],
    keys: list[str],
    records: list[bytes | None],
    span: BatchSpan,
    marks: NDArray[np.void] = NO_MARKS,
) -> tuple[Computed, list[bytes]]:
    """Features of one partition's batch, without those of shared entities, and the customers' records after it.

    events in log order; customers[i] is the place of event i's customer in keys and records; marks as `place_marks`
    gives them. The same span on the same records, or on records that an earlier attempt of the same span wrote, gives
    the same result. Raises StateFenced where a newer batch or another log has written a record, StateMisplaced where
    another partition has, StateCorrupt for bytes that are no record.
    """
    room = np.bincount(customers, minlength=len(keys)).astype(np.int64)
    headers, entries, starts = unpack(keys, records, room)
    is_written = headers["start_offset"] >= 0
    foreign = np.flatnonzero(is_written & (headers["log"] != np.uint64(span.log)))
    fenced = int(foreign[0]) if foreign.size else -1
    misplaced = np.flatnonzero(is_written & (headers["partition"] != span.partition))
    if fenced < 0 and misplaced.size:
        first = int(misplaced[0])
        raise StateMisplaced(keys[first], int(headers["partition"][first]), span.partition)
    if fenced < 0:
        fenced = kernel.open_for_batch(headers, entries, starts, span.start_offset, span.end_offset, span.first_event)
    if fenced >= 0:
        raise StateFenced(keys[fenced], int(headers["start_offset"][fenced]), span.start_offset)
    headers["log"] = span.log
    headers["partition"] = span.partition
    computed = _run(events, customers, headers, entries, starts, marks)
    kernel.close_batch(headers, entries, starts, span.first_event)
    return computed, pack(headers, entries, starts)


def compute_online(events: Entries, key: str, record: bytes | None) -> Computed:
    """Features of a few events of one customer on top of its record, which stays as it is."""
    headers, entries, starts = unpack([key], [record], np.array([events.shape[0]], np.int64))
    return _run(events, np.zeros(events.shape[0], np.int32), headers, entries, starts)


class Replay:
    """History through the kernel, chunk by chunk; holds the state of every customer and shared entity seen.

    A chunk is to shared entities what a plan is to the stream: vectors do not depend on where it ends, as long as no
    entity has more sightings than the ring's cap.
    """

    def __init__(self) -> None:
        self._places: dict[str, int] = {}
        self._headers: Headers = empty_headers(0)
        self._entries: Entries = np.zeros(0, ENTRY)
        self._starts: NDArray[np.int64] = np.zeros(0, np.int64)
        self._offset = 0
        self._shared: dict[tuple[int, int], bytes] = {}

    def add(self, table: pa.Table, side: SideTable | None = None) -> Computed:
        """Features of the rows, in the order given, with the columns of `transactions.v1`.

        side: labels and answers that were observed by the time of the last row.

        The place in the log is the row's number since this object was made.
        """
        table = null_columns(table, OPTIONAL_COLUMNS)
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
        computed = _run(events, customers, self._headers, self._entries, self._starts, marks)
        reports = np.zeros(0, REPORT) if side is None else side.reports()
        self._share(events, entity_codes(table), computed, reports)
        return computed

    def _marks(self, events: Entries, side: SideTable) -> NDArray[np.void]:
        marks = np.zeros(len(side.customers), MARK)
        marks["customer"] = [self._places[c] for c in side.customers]
        marks["transaction"], marks["flag"], marks["is_set"] = side.transactions, side.flags, side.is_set
        return place_marks(events, marks, side.observed_at)

    def _share(
        self, events: Entries, entities: NDArray[np.uint64], computed: Computed, reports: NDArray[np.void]
    ) -> None:
        """Take the chunk into the shared entities' records, then fill their part of the vectors."""
        is_new = computed.status == kernel.NEW
        met = meetings_of(events, entities, computed.explained, is_new)
        target = touched(met, reports)
        keys = list(zip(target.kinds.tolist(), target.codes.tolist(), strict=True))
        span = PlanSpan(0, self._offset - len(events), self._offset)
        records = merge([self._shared.get(key) for key in keys], target, met, reports, span)
        vectors = computed.vectors[:, SHARED]
        vectors[:] = shared.DEFAULTS
        shared.fill(*places_of_meetings(entities, is_new), shared.answer(met, target.places, records), vectors)
        self._shared.update(zip(keys, pack_shared(records), strict=True))

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

    def shared_records(self) -> tuple[NDArray[np.uint64], NDArray[np.uint8], list[bytes]]:
        """Likewise of the shared entities: codes u8[k], kinds u1[k] and records."""
        keys = np.array(list(self._shared), np.uint64).reshape(-1, 2)
        return keys[:, 1], keys[:, 0].astype(np.uint8), shared.unwritten(list(self._shared.values()))
