"""The compiled loop: the event's features from the customer's state before it, then the event into the state.

The one definition of the order of things; the families define the values. Replay, stream and API all call `process`;
nothing here knows which. Sums of money are int64; the few float64 accumulations run over the entries from newest to
oldest, so the same state gives the same bits whoever computes it. Compiled once and cached on disk.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from model.features.catalogue import ALIGNED_FAMILIES, starts_of
from model.features.compiled import jit
from model.features.families import card, context, customer, geography, novelty, variety
from model.features.record import CAP, DECLINED, DECLINED_BASE, FRAUD, FRAUD_BASE, WINDOW_MS

NEW: Final = 0  # computed and added
REPEAT: Final = 1  # the id is in the state with the same content: nothing changes
CONFLICT: Final = 2  # the id is in the state with another content: nothing changes

_CARD, _CUSTOMER, _NOVELTY, _VARIETY, _GEOGRAPHY, _CONTEXT = starts_of(ALIGNED_FAMILIES)
_NOT_FLAGS: Final = 255 - DECLINED - FRAUD  # what was there when the event came


@jit
def _status(x: Any, entries: Any, start: int, end: int, floor: int) -> int:
    """Is the id among the live entries? Those below the floor may or may not have been swept up yet."""
    for j in range(end - 1, start - 1, -1):
        e = entries[j]
        if e.event_time <= floor:
            break
        if e.transaction == x.transaction:
            same = e.event_time == x.event_time and e.money == x.money
            same = same and e.merchant == x.merchant and e.card == x.card
            return REPEAT if same else CONFLICT
    return NEW


@jit
def _add(x: Any, i: int, c: int, headers: Any, entries: Any, events: Any, start: int) -> None:
    """Insert event i where its time belongs, and move the floor."""
    count = np.int64(headers[c].count)
    t = x.event_time
    place = start + count
    while place > start and entries[place - 1].event_time > t:
        entries[place] = entries[place - 1]
        place -= 1
    entries[place] = events[i]
    count += 1
    h = headers[c]
    h.count = count
    h.last_offset = x.offset
    if h.total == 0:
        h.first_seen = t
    h.total += 1
    h.newest = max(h.newest, t)
    h.floor = max(h.floor, h.newest - WINDOW_MS)
    live = 0
    j = start + count - 1
    while j >= start and entries[j].event_time > h.floor:
        live += 1
        j -= 1
    if live > CAP:
        h.floor = entries[start + count - CAP - 1].event_time


@jit
def _mark(mark: Any, headers: Any, entries: Any, starts: Any) -> None:
    """Set or clear a flag of a transaction that the record holds; of another, nothing is known."""
    c = mark.customer
    start = starts[c]
    for j in range(start + np.int64(headers[c].count) - 1, start - 1, -1):
        if entries[j].event_time <= headers[c].floor:
            break
        if entries[j].transaction == mark.transaction:
            if mark.is_set:
                entries[j].flags |= mark.flag
            else:
                entries[j].flags &= np.uint8(255) ^ mark.flag
            break


@jit
def process(
    events: Any,
    customers: Any,
    headers: Any,
    entries: Any,
    starts: Any,
    marks: Any,
    defaults: Any,
    out: Any,
    status: Any,
    versions: Any,
    explained: Any,
    recent: Any,
) -> None:
    """Run events through the state, in the order given, which is the order of the log.

    events ENTRY[n]; customers int[n] (place in headers); headers HEADER[c]; entries ENTRY[total] with room
    behind each customer's for its new ones; starts int64[c]; marks MARK[m] in the order of `before`; defaults f8[F];
    recent int64[card.MEDIAN_OF] is working memory. Fills out f8[n, F] (a repeat keeps the defaults), status u1[n],
    versions i8[n] (last offset the customer's record held before the event), explained u1[n] (the card's history
    explains a suspicion).
    """
    m = 0
    for i in range(events.shape[0]):
        while m < marks.shape[0] and marks[m].before <= i:
            _mark(marks[m], headers, entries, starts)
            m += 1
        c = customers[i]
        x = events[i]
        start = starts[c]
        count = np.int64(headers[c].count)
        versions[i] = headers[c].last_offset
        for k in range(defaults.shape[0]):
            out[i, k] = defaults[k]
        explained[i] = 0
        status[i] = _status(x, entries, start, start + count, headers[c].floor)
        if status[i] != NEW:
            continue
        lowest = max(headers[c].floor, x.event_time - WINDOW_MS)
        end = start + count
        while end > start and entries[end - 1].event_time > x.event_time:
            end -= 1
        first = end
        while first > start and entries[first - 1].event_time > lowest:
            first -= 1
        explained[i] = card.compute(x, entries, first, end, recent, out[i, _CARD:])
        customer.compute(x, headers[c], entries, first, end, out[i, _CUSTOMER:])
        novelty.compute(x, entries, first, end, out[i, _NOVELTY:])
        variety.compute(x, entries, first, end, out[i, _VARIETY:])
        geography.compute(x, entries, first, end, out[i, _GEOGRAPHY:])
        context.compute(x, out[i, _CONTEXT:])
        _add(x, i, c, headers, entries, events, start)
    while m < marks.shape[0]:
        _mark(marks[m], headers, entries, starts)
        m += 1


@jit
def _turn_flags(e: Any, is_repeat: bool) -> None:
    """A repeated batch finds the flags as they were before it; a later one takes them as they are."""
    if is_repeat:
        base = e.flags & (DECLINED_BASE | FRAUD_BASE)
        e.flags = (e.flags & _NOT_FLAGS) | (base >> 1)
    else:
        now = e.flags & (DECLINED | FRAUD)
        e.flags = (e.flags & (255 - DECLINED_BASE - FRAUD_BASE)) | (now << 1)


@jit
def open_for_batch(
    headers: Any, entries: Any, starts: Any, start_offset: int, end_offset: int, first_event: int
) -> int:
    """Bring every record to the version before the batch that starts at `start_offset`, and sign it with the batch.

    Entries at or after the batch's first event go (an earlier attempt of this batch wrote them); entries that an
    earlier batch left below the floor go for good. Returns -1, or the place of the first record that a newer
    batch has written.
    """
    for c in range(headers.shape[0]):
        h = headers[c]
        if h.start_offset > start_offset:
            return c
        is_repeat = h.start_offset == start_offset
        if is_repeat:
            h.total = h.total_base
            h.newest = h.newest_base
            h.floor = h.floor_base
            h.last_offset = h.last_offset_base
        kept = starts[c]
        for j in range(starts[c], starts[c] + np.int64(h.count)):
            if entries[j].offset < first_event and entries[j].event_time > h.floor:
                if kept != j:
                    entries[kept] = entries[j]
                _turn_flags(entries[kept], is_repeat)
                kept += 1
        h.count = kept - starts[c]
        h.total_base = h.total
        h.newest_base = h.newest
        h.floor_base = h.floor
        h.last_offset_base = h.last_offset
        h.start_offset = start_offset
        h.end_offset = end_offset
    return -1


@jit
def close_batch(headers: Any, entries: Any, starts: Any, first_event: int) -> None:
    """Let go of the batch's own entries that are below the floor already: a repeat of the batch brings them again.

    So a record holds at most CAP entries of before the batch and CAP of the batch.
    """
    for c in range(headers.shape[0]):
        h = headers[c]
        kept = starts[c]
        for j in range(starts[c], starts[c] + np.int64(h.count)):
            if entries[j].offset < first_event or entries[j].event_time > h.floor:
                if kept != j:
                    entries[kept] = entries[j]
                kept += 1
        h.count = kept - starts[c]


@jit
def relayout(headers: Any, entries: Any, starts: Any, room: Any, moved: Any, new_starts: Any) -> None:
    """Copy the live entries of every customer into `moved`, leaving `room[c]` behind each."""
    place = 0
    for c in range(headers.shape[0]):
        new_starts[c] = place
        kept = 0
        for j in range(starts[c], starts[c] + np.int64(headers[c].count)):
            if entries[j].event_time > headers[c].floor:
                moved[place + kept] = entries[j]
                kept += 1
        headers[c].count = kept
        place += kept + room[c]
