"""Batches through the kernel: one call for stream and API, one stateful object for replay."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fraud_prevention.domain.errors import StateFenced, StateMisplaced
from model.features import kernel
from model.features.catalogue import FEATURE_COUNT, FEATURES
from model.features.codes import encode_table, index_customers, null_columns
from model.features.record import ENTRY, Entries, Headers, empty_headers, pack, unpack

DEFAULTS: Final = np.array([f.default for f in FEATURES])
OPTIONAL_COLUMNS: Final = {
    "device_id": pa.string(),
    "ip": pa.string(),
    "lat": pa.float64(),
    "lon": pa.float64(),
}


@dataclass(frozen=True, slots=True)
class Computed:
    """vectors f8[n, F], status u1[n] (kernel.NEW, REPEAT, CONFLICT), versions i8[n] (offset held before the event)."""

    vectors: NDArray[np.float64]
    status: NDArray[np.uint8]
    versions: NDArray[np.int64]

    def put(self, rows: NDArray[np.intp], part: Computed) -> None:
        """Take the results of some rows from a part."""
        self.vectors[rows], self.status[rows], self.versions[rows] = part.vectors, part.status, part.versions


def empty_computed(rows: int) -> Computed:
    """Room for the results of n rows."""
    return Computed(np.empty((rows, FEATURE_COUNT)), np.empty(rows, np.uint8), np.empty(rows, np.int64))


def _run(
    events: Entries, customers: NDArray[np.int32], headers: Headers, entries: Entries, starts: NDArray[np.int64]
) -> Computed:
    found = empty_computed(events.shape[0])
    kernel.process(events, customers, headers, entries, starts, DEFAULTS, found.vectors, found.status, found.versions)
    return found


@dataclass(frozen=True, slots=True)
class BatchSpan:
    """What wrote a record: the log (hash of the topic's id), the partition, first and last offset of the batch."""

    log: int
    partition: int
    start_offset: int
    end_offset: int


def compute_batch(
    events: Entries,
    customers: NDArray[np.int32],
    keys: list[str],
    records: list[bytes | None],
    span: BatchSpan,
) -> tuple[Computed, list[bytes]]:
    """Features of one partition's batch and the records after it.

    events in log order; customers[i] is the place of event i's customer in keys and records. The same span on
    the same records, or on records that an earlier attempt of the same span wrote, gives the same result.
    Raises StateFenced where a newer batch or another log has written a record, StateMisplaced where another
    partition has, StateCorrupt for bytes that are no record.
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
        fenced = kernel.open_for_batch(headers, entries, starts, span.start_offset, span.end_offset)
    if fenced >= 0:
        raise StateFenced(keys[fenced], int(headers["start_offset"][fenced]), span.start_offset)
    headers["log"] = span.log
    headers["partition"] = span.partition
    computed = _run(events, customers, headers, entries, starts)
    kernel.close_batch(headers, entries, starts, span.start_offset)
    return computed, pack(headers, entries, starts)


def compute_online(events: Entries, key: str, record: bytes | None) -> Computed:
    """Features of a few events of one customer on top of its record, which stays as it is."""
    headers, entries, starts = unpack([key], [record], np.array([events.shape[0]], np.int64))
    return _run(events, np.zeros(events.shape[0], np.int32), headers, entries, starts)


class Replay:
    """History through the kernel, chunk by chunk; holds the state of every customer seen."""

    def __init__(self) -> None:
        self._places: dict[str, int] = {}
        self._headers: Headers = empty_headers(0)
        self._entries: Entries = np.zeros(0, ENTRY)
        self._starts: NDArray[np.int64] = np.zeros(0, np.int64)
        self._offset = 0

    def add(self, table: pa.Table) -> Computed:
        """Features of the rows, in the order given, with the columns of `transactions.v1`.

        The place in the log is the row's number since this object was made.
        """
        table = null_columns(table, OPTIONAL_COLUMNS)
        offsets = np.arange(self._offset, self._offset + table.num_rows, dtype=np.int64)
        self._offset += table.num_rows
        local, names = index_customers(table)
        places = np.array([self._places.setdefault(n, len(self._places)) for n in names], np.int32)
        customers = places[local] if len(names) else local
        self._make_room(customers)
        return _run(encode_table(table, offsets), customers, self._headers, self._entries, self._starts)

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
