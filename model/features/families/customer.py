"""How much the customer does, since when, at what hours, and what came of it."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from model.features.compiled import jit
from model.features.entry import DAY, HOUR, amount_of, is_declined
from model.features.feature import Feature, places_of
from model.features.record import FRAUD


def _customer(name: str, aggregate: str, unit: str, description: str, window: str, default: float = 0.0) -> Feature:
    return Feature(name, "customer", aggregate, unit, description, window, default)


FEATURES: Final = (
    *(_customer(f"customer_txn_count_{w}", "count", "1", f"the customer's transactions in the last {w}", w)
      for w in ("1h", "24h", "7d", "30d")),
    _customer("customer_amount_sum_24h", "sum", "base minor", "money the customer spent", "24h"),
    _customer("customer_decline_count_24h", "count", "1", "the customer's attempts that the issuer declined", "24h"),
    _customer("customer_decline_share_30d", "share", "1", "declined ones among the customer's attempts", "30d"),
    _customer("customer_known_fraud_count_30d", "count", "1", "the customer's transactions labelled as fraud by now", "30d"),
    _customer("seconds_since_last_customer", "age", "s", "since the customer's last transaction", "30d", -1.0),
    _customer("customer_txn_count_total", "count", "1", "the customer's transactions ever seen", "all"),
    _customer("customer_age_days", "age", "d", "since the customer's first transaction", "all"),
    _customer("hour_share_30d", "share", "1",
              "share of the customer's transactions within two hours of this local hour", "30d", -1.0),
)  # fmt: skip
(
    _COUNT_1H, _COUNT_24H, _COUNT_7D, _COUNT_30D, _SUM_24H, _DECLINES, _DECLINE_SHARE, _FRAUDS, _SINCE, _TOTAL, _AGE,
    _HOUR_SHARE,
) = places_of(FEATURES)  # fmt: skip


@jit
def compute(x: Any, h: Any, entries: Any, first: int, end: int, out: Any) -> None:
    """The customer's features from header and entries [first, end)."""
    count_1h = count_24h = count_7d = sum_24h = near_hour = declines = declines_24h = frauds = 0
    for j in range(end - 1, first - 1, -1):
        e = entries[j]
        age = x.event_time - e.event_time
        declined = is_declined(e)
        declines += declined
        frauds += e.flags & FRAUD != 0
        count_7d += age < 7 * DAY
        if age < DAY:
            count_24h += 1
            declines_24h += declined
            sum_24h += 0 if declined else amount_of(e)
            count_1h += age < HOUR
        gap = abs(int(np.int64(e.local_hour)) - int(np.int64(x.local_hour)))  # hours are unsigned in the record
        near_hour += gap <= 2 or gap >= 22
    seen = end - first
    out[_COUNT_1H], out[_COUNT_24H], out[_COUNT_7D], out[_COUNT_30D] = count_1h, count_24h, count_7d, seen
    out[_SUM_24H], out[_DECLINES], out[_FRAUDS] = sum_24h, declines_24h, frauds
    if seen > 0:
        out[_SINCE] = (x.event_time - entries[end - 1].event_time) / 1000.0
        out[_HOUR_SHARE] = near_hour / seen
        out[_DECLINE_SHARE] = declines / seen
    out[_TOTAL] = h.total
    if h.total > 0:
        out[_AGE] = max(x.event_time - h.first_seen, 0) / DAY
