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
from model.features.families.card import MEDIAN_OF
from model.features.record import MARK, Entries, Headers, pack, unpack

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


def run_kernel(
    events: Entries,
    customers: NDArray[np.int32],
    headers: Headers,
    entries: Entries,
    starts: NDArray[np.int64],
    marks: NDArray[np.void] = NO_MARKS,
) -> Computed:
    """Features of ENTRY[n] without those of shared entities; the state, laid out with room for them, moves on.

    customers i4[n]: places in headers and starts; marks as `place_marks` gives them.
    """
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
    computed = run_kernel(events, customers, headers, entries, starts, marks)
    kernel.close_batch(headers, entries, starts, span.first_event)
    return computed, pack(headers, entries, starts)


def compute_online(events: Entries, key: str, record: bytes | None) -> Computed:
    """Features of a few events of one customer on top of its record, which stays as it is."""
    headers, entries, starts = unpack([key], [record], np.array([events.shape[0]], np.int64))
    return run_kernel(events, np.zeros(events.shape[0], np.int32), headers, entries, starts)
