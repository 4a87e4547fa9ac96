"""What the families of shared entities have in common: time, labels, and counting different cards."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from model.features.compiled import jit
from model.features.entities.kinds import DAY_MS, HOUR_MS
from model.features.entities.record import NOT_REPORTED

DAY: Final = DAY_MS
HOUR: Final = HOUR_MS
SETTLE_MS: Final = 5_000  # how far behind the event the picture of the other partitions is complete
TILE_MS: Final = 10_000
LABEL_DELAY_DAYS: Final = 7
DELAY_MS: Final = LABEL_DELAY_DAYS * DAY_MS
SMOOTHING: Final = 20  # transactions' worth of belief in the base rate
BASE_RATE: Final = 0.005  # fraud share assumed of an entity that nobody knows

_TABLE: Final = 2_048  # cards of one record: at most the greatest cap, so the table is half full at most


@jit
def horizon(time: int) -> int:
    """t0: the start of the 10-second tile that holds the event's time less 5 seconds."""
    return (time - SETTLE_MS) // TILE_MS * TILE_MS


@jit
def is_fraud(label: Any, time: int) -> bool:
    """Whether, at that time, the label says fraud."""
    if label.fraud_at == NOT_REPORTED or np.int64(label.fraud_at) * 1000 > time:
        return False
    is_cleared = label.cleared_at >= label.fraud_at and np.int64(label.cleared_at) * 1000 <= time
    return not is_cleared


@jit
def label_of(s: Any, c: int, sighting: Any) -> int:
    """Place of the sighting's label in the record, -1 without."""
    begin = s.label_starts[c]
    for j in range(begin, begin + np.int64(s.headers[c].labels)):
        if s.labels[j].code == sighting.code and s.labels[j].time == sighting.when >> 8:
            return j
    return -1


def scratch() -> np.ndarray[Any, np.dtype[np.int64]]:
    """Working memory of `distinct_cards`: the table's keys and stamps, and the running stamp."""
    return np.zeros((2, _TABLE + 1), np.int64)


@jit
def count_recent(s: Any, c: int, until: int, windows_ms: Any, cap: int, out: Any) -> None:
    """Sightings of the record in (until - w, until] for each window w, the shortest first, into out[0], out[1] and on.

    Only the newest `cap` sightings until then count.
    """
    longest = windows_ms[windows_ms.shape[0] - 1]
    for w in range(windows_ms.shape[0]):
        out[w] = 0.0
    rank = 0
    begin = s.starts[c]
    for j in range(begin + np.int64(s.headers[c].count) - 1, begin - 1, -1):
        at = s.sightings[j].when >> 8
        if at > until:
            continue
        rank += 1
        if at <= until - longest or rank > cap:
            break
        for w in range(windows_ms.shape[0]):
            out[w] += at > until - windows_ms[w]


@jit
def distinct_cards(s: Any, c: int, above: int, until: int, cap: int, memory: Any) -> int:
    """How many cards the record saw in (above, until], among the newest `cap` sightings until then."""
    keys, stamps = memory[0], memory[1]
    stamps[_TABLE] += 1
    stamp = stamps[_TABLE]
    found = rank = 0
    begin = s.starts[c]
    for j in range(begin + np.int64(s.headers[c].count) - 1, begin - 1, -1):
        at = s.sightings[j].when >> 8
        if at > until:
            continue
        rank += 1
        if at <= above or rank > cap:
            break
        card = np.int64(s.sightings[j].card)
        place = card & (_TABLE - 1)
        while stamps[place] == stamp and keys[place] != card:
            place = (place + 1) & (_TABLE - 1)
        if stamps[place] != stamp:
            stamps[place] = stamp
            keys[place] = card
            found += 1
    return found
