"""How much a device is used, by how many cards, and how long it has been known."""

from __future__ import annotations

from typing import Any, Final

from model.features.compiled import jit
from model.features.entities.feature import shared
from model.features.entities.kinds import DEVICE
from model.features.entities.read import DAY, HOUR, distinct_cards, horizon
from model.features.feature import places_of

FEATURES: Final = (
    shared("device_txn_count_1h", "device", "count", "1", "transactions from the device", "1h"),
    shared("device_txn_count_24h", "device", "count", "1", "transactions from the device", "24h"),
    shared("device_txn_count_7d", "device", "count", "1", "transactions from the device", "7d"),
    shared("device_distinct_cards_24h", "device", "distinct", "1", "cards used from the device", "24h"),
    shared("device_distinct_cards_7d", "device", "distinct", "1", "cards used from the device", "7d"),
    shared("device_age_days", "device", "age", "d", "since the device was first seen", "all"),
)

_COUNT_1H, _COUNT_24H, _COUNT_7D, _CARDS_24H, _CARDS_7D, _AGE = places_of(FEATURES)
_WEEK: Final = 7 * DAY
_CAP: Final = DEVICE.cap


@jit
def compute(now: int, s: Any, c: int, memory: Any, out: Any) -> None:
    """The device's features at the time of an event, from record c."""
    until = horizon(now)
    count_1h = count_24h = count_7d = 0
    first_seen = min(until, s.headers[c].first_seen)
    begin = s.starts[c]
    rank = 0
    for j in range(begin + int(s.headers[c].count) - 1, begin - 1, -1):
        at = s.sightings[j].when >> 8
        if at > until:
            continue
        rank += 1
        if at <= until - _WEEK or rank > _CAP:
            break
        count_7d += 1
        count_24h += at > until - DAY
        count_1h += at > until - HOUR
    cards_24h = distinct_cards(s, c, until - DAY, until, _CAP, memory)
    cards_7d = distinct_cards(s, c, until - _WEEK, until, _CAP, memory)
    out[_COUNT_1H], out[_COUNT_24H], out[_COUNT_7D] = count_1h, count_24h, count_7d
    out[_CARDS_24H], out[_CARDS_7D] = cards_24h, cards_7d
    out[_AGE] = (until - first_seen) / DAY
