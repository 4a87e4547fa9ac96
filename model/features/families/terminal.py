"""How busy a terminal is, and how often it turned out to be fraud, as far as labels can be known.

Delayed windows end seven days before the event: (t - 7 d - w, t - 7 d], exact to the millisecond. A transaction
there counts as known; it counts as fraud where a label says so by the time of the event. Frauds that the card's own
history explains (a large amount for that card) say little about the terminal, so the others are counted apart.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from model.features.compiled import jit
from model.features.entities.feature import shared
from model.features.entities.kinds import TERMINAL as _TERMINAL_KIND
from model.features.entities.read import (
    BASE_RATE,
    DAY,
    DELAY_MS,
    HOUR,
    SMOOTHING,
    distinct_cards,
    horizon,
    is_fraud,
    label_of,
)
from model.features.entities.record import EXPLAINED, LABELLED, MET, NEVER
from model.features.feature import Feature, places_of

WINDOW_DAYS: Final = (1, 3, 7, 14, 21, 28, 30)
_UNEXPLAINED_DAYS: Final = WINDOW_DAYS[:-1]
_RISK: Final = WINDOW_DAYS.index(28)
_RUN_MS: Final = 28 * DAY
_LONGEST_MS: Final = 30 * DAY
_LAST: Final = 3


def _delayed(name: str, description: str, days: tuple[int, ...]) -> tuple[Feature, ...]:
    return tuple(shared(f"{name}_{d}d", "terminal", "count", "1", description, f"{d}d, 7d ago") for d in days)


FEATURES: Final = (
    *_delayed("terminal_delayed_count", "transactions whose labels count", WINDOW_DAYS),
    *_delayed("terminal_delayed_fraud_count", "of them, frauds", WINDOW_DAYS),
    *_delayed("terminal_delayed_unexplained_fraud_count", "frauds the card does not explain", _UNEXPLAINED_DAYS),
    shared("terminal_txn_count_1h", "terminal", "count", "1", "transactions at the terminal", "1h"),
    shared("terminal_txn_count_24h", "terminal", "count", "1", "transactions at the terminal", "24h"),
    shared("terminal_distinct_cards_24h", "terminal", "distinct", "1", "cards seen at the terminal", "24h"),
    shared("terminal_smoothed_fraud_share_28d", "terminal", "share", "1",
           "frauds over transactions, with twenty transactions' worth of a base rate of 0.5 percent added",
           "28d, 7d ago", BASE_RATE),
    shared("terminal_last_known_is_fraud", "terminal", "flag", "0/1", "the newest known transaction", "30d, 7d ago", -1.0),
    shared("terminal_frauds_among_last_3_known", "terminal", "count", "1", "of the three newest known", "30d, 7d ago"),
    shared("terminal_days_since_unexplained_fraud", "terminal", "age", "d", "since the newest one", "30d, 7d ago", -1.0),
    shared("terminal_days_since_fraud_run_start", "terminal", "age", "d",
           "since the first unexplained fraud of the newest run; a known good transaction or 28 days end a run",
           "30d, 7d ago", -1.0),
    shared("terminal_days_since_known_good", "terminal", "age", "d", "since the newest good one", "30d, 7d ago", -1.0),
)  # fmt: skip

_WINDOWS: Final = len(WINDOW_DAYS)
_WINDOW_MS: Final = np.array([d * DAY for d in WINDOW_DAYS], np.int64)
_FRAUDS: Final = _WINDOWS
_UNEXPLAINED: Final = 2 * _WINDOWS
_REST: Final = 3 * _WINDOWS - 1
_CAP: Final = _TERMINAL_KIND.cap
(
    _COUNT_1H,
    _COUNT_24H,
    _CARDS_24H,
    _SMOOTHED,
    _LAST_KNOWN,
    _AMONG_LAST,
    _SINCE_FRAUD,
    _SINCE_START,
    _SINCE_GOOD,
) = places_of(FEATURES[_REST:])


@jit
def _window_of(age: int) -> int:
    """The shortest window that reaches back to the age; the age is within the longest."""
    w = 0
    while age >= _WINDOW_MS[w]:
        w += 1
    return w


@jit
def _accumulate(out: Any, first: int, windows: int) -> None:
    """A longer window holds what the shorter ones hold."""
    for w in range(1, windows):
        out[first + w] += out[first + w - 1]


@jit
def _is_unexplained(label: Any) -> bool:
    return bool(label.flags & MET != 0 and label.flags & EXPLAINED == 0)


@jit
def _labels(s: Any, c: int, now: int, out: Any) -> None:
    """Known frauds in each window, from the labels."""
    for j in range(s.label_starts[c], s.label_starts[c] + int(s.headers[c].labels)):
        label = s.labels[j]
        age = now - DELAY_MS - label.time
        if age < 0 or age >= _LONGEST_MS or not is_fraud(label, now):
            continue
        w = _window_of(age)
        out[_FRAUDS + w] += 1.0
        if _is_unexplained(label) and w < _WINDOWS - 1:
            out[_UNEXPLAINED + w] += 1.0
    _accumulate(out, _FRAUDS, _WINDOWS)
    _accumulate(out, _UNEXPLAINED, _WINDOWS - 1)


@jit
def _count_day(day: int, count: int, known: int, out: Any) -> None:
    for w in range(_WINDOWS):
        if day * DAY > known - _WINDOW_MS[w] and (day + 1) * DAY <= known:
            out[w] += count


@jit
def _whole_days(s: Any, c: int, end: int, known: int, out: Any) -> None:
    """What lies beyond the cap counts by the day, where the day lies in a window as a whole."""
    for j in range(s.starts[c], end):
        _count_day((s.sightings[j].when >> 8) // DAY, 1, known, out)
    for j in range(s.tile_starts[c], s.tile_starts[c] + int(s.headers[c].tiles)):
        _count_day(s.tiles[j].day, int(s.tiles[j].count), known, out)


@jit
def compute(  # noqa: C901 — one pass over the record, which a split would repeat
    now: int, s: Any, c: int, memory: Any, out: Any
) -> None:
    """The terminal's features at the time of an event, from record c."""
    until = horizon(now)
    known = now - DELAY_MS
    rest = out[_REST:]
    count_1h = count_24h = seen = 0
    newest_good = newest_fraud = run_start = NEVER
    is_running = True
    begin = s.starts[c]
    rank = 0
    j = begin + int(s.headers[c].count)
    while j > begin and rank < _CAP:
        j -= 1
        e = s.sightings[j]
        at = e.when >> 8
        rank += at <= until
        if at > known:
            if until - DAY < at <= until:
                count_24h += 1
                count_1h += at > until - HOUR
            continue
        if known - at >= _LONGEST_MS:
            break
        out[_window_of(known - at)] += 1.0
        place = label_of(s, c, e) if e.when & LABELLED else -1
        fraud = place >= 0 and is_fraud(s.labels[place], now)
        if seen == 0:
            rest[_LAST_KNOWN] = 1.0 if fraud else 0.0
        if seen < _LAST and fraud:
            rest[_AMONG_LAST] += 1.0
        seen += 1
        if not fraud:
            if newest_good == NEVER:
                newest_good = at
            is_running = is_running and newest_fraud == NEVER
        elif _is_unexplained(s.labels[place]):
            if newest_fraud == NEVER:
                newest_fraud = run_start = at
            elif is_running and newest_fraud - at < _RUN_MS:
                run_start = at
    _accumulate(out, 0, _WINDOWS)
    _whole_days(s, c, j, known, out)
    _labels(s, c, now, out)
    rest[_COUNT_1H], rest[_COUNT_24H] = count_1h, count_24h
    rest[_CARDS_24H] = distinct_cards(s, c, until - DAY, until, _CAP, memory)
    rest[_SMOOTHED] = (out[_FRAUDS + _RISK] + SMOOTHING * BASE_RATE) / (out[_RISK] + SMOOTHING)
    if newest_good > NEVER:
        rest[_SINCE_GOOD] = (now - newest_good) / DAY
    if newest_fraud > NEVER:
        rest[_SINCE_FRAUD] = (now - newest_fraud) / DAY
        rest[_SINCE_START] = (now - run_start) / DAY
