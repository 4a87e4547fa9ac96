"""How much a device is used, by how many cards, and how long it has been known."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from model.features.compiled import jit
from model.features.entities.feature import shared
from model.features.entities.kinds import DEVICE
from model.features.entities.read import DAY, HOUR, count_recent, distinct_cards, horizon
from model.features.feature import places_of

FEATURES: Final = (
    shared("device_txn_count_1h", "device", "count", "1", "transactions from the device", "1h"),
    shared("device_txn_count_24h", "device", "count", "1", "transactions from the device", "24h"),
    shared("device_txn_count_7d", "device", "count", "1", "transactions from the device", "7d"),
    shared("device_distinct_cards_24h", "device", "distinct", "1", "cards used from the device", "24h"),
    shared("device_distinct_cards_7d", "device", "distinct", "1", "cards used from the device", "7d"),
    shared("device_age_days", "device", "age", "d", "since the device was first seen", "all"),
)

_COUNTS, _, _, _CARDS_24H, _CARDS_7D, _AGE = places_of(FEATURES)
_WEEK: Final = 7 * DAY
_WINDOWS_MS: Final = np.array([HOUR, DAY, _WEEK], np.int64)  # of the counts, which stand side by side
_CAP: Final = DEVICE.cap


@jit
def compute(now: int, s: Any, c: int, memory: Any, out: Any) -> None:
    """The device's features at the time of an event, from record c."""
    until = horizon(now)
    count_recent(s, c, until, _WINDOWS_MS, _CAP, out[_COUNTS:])
    out[_CARDS_24H] = distinct_cards(s, c, until - DAY, until, _CAP, memory)
    out[_CARDS_7D] = distinct_cards(s, c, until - _WEEK, until, _CAP, memory)
    out[_AGE] = (until - min(until, s.headers[c].first_seen)) / DAY
