"""Takes what a plan brings of shared entities into their records."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from fraud_prevention.domain.errors import StateFenced
from model.features.compiled import jit
from model.features.entities.kinds import (
    DAY_MS,
    HAS_TILES,
    KEPT,
    KINDS,
    LABEL_CAP,
    MEMORY_DAYS,
    MEMORY_MS,
    MERCHANT,
    RINGS_MS,
    TERMINAL,
)
from model.features.entities.record import EXPLAINED, LABELLED, MET, MOST_LABELS, NOT_REPORTED, Records, Room, unpack
from model.features.entry import amount_of
from model.features.grouping import group

# An entity was part of a transaction.
MEETING: Final = np.dtype(
    [
        ("entity", "<u8"),  # 64-bit code, never 0
        ("time", "<i8"),  # of the event, ms
        ("code", "<u4"),  # low half of the transaction's code
        ("card", "<u4"),
        ("amount", "<u4"),  # base currency, minor units, clipped
        ("kind", "<u1"),  # place in KINDS
        ("flags", "<u1"),  # EXPLAINED
        ("reserved", "<u2"),
    ]
)
# A label says something about a transaction that the entity was part of.
REPORT: Final = np.dtype(
    [
        ("entity", "<u8"),
        ("time", "<i8"),  # event time of the transaction, ms
        ("code", "<u4"),  # low half of its code
        ("observed_at", "<u4"),  # s since 1970, rounded up: never early
        ("kind", "<u1"),
        ("is_fraud", "<u1"),
        ("reserved", "<u2"),
        ("reserved2", "<u4"),
    ]
)
REPORTED_KINDS: Final = (KINDS.index(MERCHANT), KINDS.index(TERMINAL))
_KIND_COUNT: Final = len(KINDS)
_MOST: Final = 2**32 - 1


@jit
def clip_amount(amount_minor: int) -> int:
    """What a sighting holds of an amount."""
    return min(amount_minor, _MOST)


@jit
def _meetings(events: Any, entities: Any, explained: Any, wanted: Any, found: Any) -> int:
    n = 0
    for i in range(events.shape[0]):
        if not wanted[i]:
            continue
        x = events[i]
        for kind in range(_KIND_COUNT):
            if entities[i, kind] == 0:
                continue
            found[n].entity = entities[i, kind]
            found[n].time = x.event_time
            found[n].code = np.uint32(x.transaction & np.uint64(_MOST))
            found[n].card = x.card
            found[n].amount = clip_amount(amount_of(x))
            found[n].kind = kind
            found[n].flags = EXPLAINED if explained[i] else 0
            n += 1
    return n


def meetings_of(
    events: NDArray[np.void], entities: NDArray[np.uint64], explained: NDArray[np.uint8], wanted: NDArray[np.bool_]
) -> NDArray[np.void]:
    """MEETING[m] of the wanted events ENTRY[n], whose entities' codes are u8[n, kinds], 0 for none."""
    found = np.zeros(events.shape[0] * _KIND_COUNT, MEETING)
    return found[: _meetings(events, entities, explained, wanted, found)]


def places_of_meetings(
    entities: NDArray[np.uint64], wanted: NDArray[np.bool_]
) -> tuple[NDArray[np.intp], NDArray[np.uint8]]:
    """Row and kind of each of `meetings_of` the same."""
    rows, kinds = np.nonzero((entities != 0) & wanted[:, None])
    return rows, kinds.astype(np.uint8)


@jit
def _move(part: Any, begin: int, gone: int, count: int) -> None:
    for j in range(count - gone):
        part[begin + j] = part[begin + gone + j]


@jit
def _tile(s: Any, c: int, day: int, amount: int) -> None:
    """Count one sighting in its day's tile; the tiles stay in the order of their days."""
    h = s.headers[c]
    begin = s.tile_starts[c]
    n = int(h.tiles)
    place = begin + n
    while place > begin and s.tiles[place - 1].day >= day:
        place -= 1
    if place == begin + n or s.tiles[place].day != day:
        for j in range(begin + n, place, -1):
            s.tiles[j] = s.tiles[j - 1]
        s.tiles[place].day = day
        s.tiles[place].count = 0
        s.tiles[place].amount = 0
        h.tiles = n + 1
    s.tiles[place].count += 1
    s.tiles[place].amount += amount


@jit
def _fold(s: Any, c: int, ring_ms: int, kept: int, has_tiles: bool) -> None:
    """Let what is older than the ring, or more than it keeps, leave it; forget what no window reaches any more."""
    h = s.headers[c]
    begin = s.starts[c]
    n = int(h.count)
    floor = max(h.floor, h.newest - ring_ms)
    if n > kept:
        floor = max(floor, s.sightings[begin + n - kept - 1].when >> 8)
    gone = 0
    while gone < n and (s.sightings[begin + gone].when >> 8) <= floor:
        if has_tiles:
            x = s.sightings[begin + gone]
            _tile(s, c, (x.when >> 8) // DAY_MS, int(x.amount))
        gone += 1
    _move(s.sightings, begin, gone, n)
    h.count = n - gone
    h.floor = floor
    oldest_day = h.newest // DAY_MS - MEMORY_DAYS
    begin = s.tile_starts[c]
    n = int(h.tiles)
    gone = 0
    while gone < n and s.tiles[begin + gone].day < oldest_day:
        gone += 1
    _move(s.tiles, begin, gone, n)
    h.tiles = n - gone
    begin = s.label_starts[c]
    n = int(h.labels)
    gone = max(0, n - LABEL_CAP)
    while gone < n and s.labels[begin + gone].time < h.newest - MEMORY_MS:
        gone += 1
    _move(s.labels, begin, gone, n)
    h.labels = n - gone


@jit
def _open(s: Any, kinds: Any, log: int, start: int, end: int) -> int:
    """Sign every record with the plan. Returns -1, or the place of the first that a newer plan has written."""
    for c in range(s.headers.shape[0]):
        h = s.headers[c]
        if h.start >= 0 and (h.start > start or h.log != log):
            return c
        if h.start < start:
            _fold(s, c, RINGS_MS[kinds[c]], KEPT[kinds[c]], HAS_TILES[kinds[c]])
        h.log = log
        h.start = start
        h.end = end
    return -1


@jit
def _label_place(s: Any, c: int, time: int, code: int) -> int:
    """Where the label of the transaction is, or belongs."""
    begin = s.label_starts[c]
    place = begin + np.int64(s.headers[c].labels)
    while place > begin:
        x = s.labels[place - 1]
        if x.time < time or (x.time == time and x.code < code):
            break
        place -= 1
    return int(place)


@jit
def _is_label(s: Any, c: int, place: int, time: int, code: int) -> bool:
    if place >= s.label_starts[c] + np.int64(s.headers[c].labels):
        return False
    return bool(s.labels[place].time == time and s.labels[place].code == code)


@jit
def _sighting_place(s: Any, c: int, time: int, code: int) -> int:
    """Where the sighting is, or belongs; new ones belong near the end."""
    begin = s.starts[c]
    place = begin + np.int64(s.headers[c].count)
    while place > begin:
        x = s.sightings[place - 1]
        at = x.when >> 8
        if at < time or (at == time and x.code < code):
            break
        place -= 1
    return int(place)


@jit
def _is_sighting(s: Any, c: int, place: int, time: int, code: int) -> bool:
    if place >= s.starts[c] + np.int64(s.headers[c].count):
        return False
    return bool((s.sightings[place].when >> 8) == time and s.sightings[place].code == code)


@jit
def _add_meetings(s: Any, places: Any, order: Any, meetings: Any) -> None:
    for i in order:
        c = places[i]
        x = meetings[i]
        place = _sighting_place(s, c, x.time, x.code)
        if _is_sighting(s, c, place, x.time, x.code):
            continue
        h = s.headers[c]
        flags = np.int64(x.flags)
        if h.labels > 0:
            known = _label_place(s, c, x.time, x.code)
            if _is_label(s, c, known, x.time, x.code):
                s.labels[known].flags = MET | flags
                flags |= LABELLED
        for j in range(s.starts[c] + np.int64(h.count), place, -1):
            s.sightings[j] = s.sightings[j - 1]
        s.sightings[place].when = (x.time << 8) | flags
        s.sightings[place].code = x.code
        s.sightings[place].card = x.card
        s.sightings[place].amount = x.amount
        h.count += 1
        h.first_seen = min(h.first_seen, x.time)
        h.newest = max(h.newest, x.time)


@jit
def _cleared_at(label: Any, observed_at: int) -> int:
    """The first withdrawal since the report of fraud; without one, the last that there was."""
    held = label.cleared_at
    if held == 0:
        return observed_at
    if held >= label.fraud_at and observed_at >= label.fraud_at:
        return int(min(held, observed_at))
    return int(max(held, observed_at))


@jit
def _add_reports(s: Any, places: Any, reports: Any) -> None:
    for i in range(reports.shape[0]):
        c = places[i]
        r = reports[i]
        h = s.headers[c]
        place = _label_place(s, c, r.time, r.code)
        if not _is_label(s, c, place, r.time, r.code):
            if h.labels == MOST_LABELS:
                continue
            flags = 0
            seen = _sighting_place(s, c, r.time, r.code)
            if _is_sighting(s, c, seen, r.time, r.code):
                flags = MET | (s.sightings[seen].when & EXPLAINED)
                s.sightings[seen].when |= LABELLED
            for j in range(s.label_starts[c] + np.int64(h.labels), place, -1):
                s.labels[j] = s.labels[j - 1]
            s.labels[place].time = r.time
            s.labels[place].code = r.code
            s.labels[place].fraud_at = NOT_REPORTED
            s.labels[place].cleared_at = 0
            s.labels[place].flags = flags
            h.labels += 1
        if r.is_fraud:
            s.labels[place].fraud_at = min(s.labels[place].fraud_at, r.observed_at)
        else:
            s.labels[place].cleared_at = _cleared_at(s.labels[place], r.observed_at)


@jit
def fold_all(s: Any, kinds: Any) -> None:
    """Bring records to what the next plan finds when it opens them."""
    for c in range(s.headers.shape[0]):
        _fold(s, c, RINGS_MS[kinds[c]], KEPT[kinds[c]], HAS_TILES[kinds[c]])


@dataclass(frozen=True, slots=True)
class PlanSpan:
    """What writes: the log (hash of the topic's id), and where the plan begins and ends, summed over everything."""

    log: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Touched:
    """The entities that a plan changes: codes u8[k], kinds u1[k]; places i4 of its meetings and reports among them."""

    codes: NDArray[np.uint64]
    kinds: NDArray[np.uint8]
    places: NDArray[np.int32]
    report_places: NDArray[np.int32]


def touched(meetings: NDArray[np.void], reports: NDArray[np.void]) -> Touched:
    """Which entities MEETING[m] and REPORT[r] are about."""
    codes = np.concatenate([meetings["entity"], reports["entity"]])
    kinds = np.concatenate([meetings["kind"], reports["kind"]])
    places, firsts = group(codes, kinds.astype(np.int32))
    return Touched(codes[firsts], kinds[firsts], places[: len(meetings)], places[len(meetings) :])


def merge(
    blobs: list[bytes | None], target: Touched, meetings: NDArray[np.void], reports: NDArray[np.void], span: PlanSpan
) -> Records:
    """The records after the plan, to be packed.

    blobs: the records of `target`, None where there is none. Merging the same plan into records that an earlier
    attempt wrote changes nothing. Raises StateFenced, StateCorrupt.
    """
    count = len(blobs)
    labels = np.bincount(target.report_places, minlength=count)
    sightings = np.bincount(target.places, minlength=count)
    records = unpack(blobs, Room(labels, sightings))
    fenced = _open(records, target.kinds, span.log & _MOST, span.start, span.end)
    if fenced >= 0:
        name = f"{KINDS[target.kinds[fenced]].name} {int(target.codes[fenced]):#x}"
        raise StateFenced(name, int(records.headers["start"][fenced]), span.start)
    order = np.argsort(meetings["time"], kind="stable")  # so that each belongs near the end of its record
    _add_meetings(records, target.places, order, meetings)
    _add_reports(records, target.report_places, reports)
    return records
