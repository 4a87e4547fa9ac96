"""How busy a merchant is, what is paid there, and how often it turned out to be fraud.

Windows of an hour and a day are exact; longer ones are whole UTC days, because a busy merchant's sightings leave
the ring for tiles of a day.
"""

from __future__ import annotations

from typing import Any, Final

from model.features.compiled import jit
from model.features.entities.feature import shared
from model.features.entities.kinds import MERCHANT
from model.features.entities.read import (
    BASE_RATE,
    DAY,
    HOUR,
    LABEL_DELAY_DAYS,
    SMOOTHING,
    distinct_cards,
    horizon,
    is_fraud,
)
from model.features.feature import places_of

_SMALL_AMOUNT: Final = 500
_DAYS: Final = 7
_RISK_DAYS: Final = 28
_CAP: Final = MERCHANT.cap

FEATURES: Final = (
    shared("merchant_txn_count_1h", "merchant", "count", "1", "transactions at the merchant", "1h"),
    shared("merchant_txn_count_24h", "merchant", "count", "1", "transactions at the merchant", "24h"),
    shared("merchant_txn_count_7d", "merchant", "count", "1", "transactions at the merchant, today included", "7 UTC days"),
    shared("merchant_distinct_cards_1h", "merchant", "distinct", "1", "cards seen at the merchant", "1h"),
    shared("merchant_small_amount_count_1h", "merchant", "count", "1", "amounts of 5.00 or less: card testing", "1h"),
    shared("merchant_amount_mean_7d", "merchant", "mean", "base minor", "the usual amount at the merchant", "7 UTC days", -1.0),
    shared(
        "amount_to_merchant_mean_7d", "merchant", "ratio", "1", "this amount over the merchant's mean", "7 UTC days", -1.0,
        includes_current=True,
    ),
    shared("merchant_delayed_count_28d", "merchant", "count", "1", "transactions whose labels count", "28 UTC days, 7 ago"),
    shared("merchant_delayed_fraud_count_28d", "merchant", "count", "1", "of them, frauds", "28 UTC days, 7 ago"),
    shared("merchant_delayed_fraud_share_28d", "merchant", "share", "1", "frauds over transactions", "28 UTC days, 7 ago"),
    shared(
        "merchant_smoothed_fraud_share_28d", "merchant", "share", "1",
        "the share with twenty transactions' worth of a base rate of 0.5 percent added", "28 UTC days, 7 ago", BASE_RATE,
    ),
)  # fmt: skip

(
    _COUNT_1H,
    _COUNT_24H,
    _COUNT_7D,
    _CARDS_1H,
    _SMALL_1H,
    _MEAN_7D,
    _TO_MEAN,
    _DELAYED,
    _FRAUDS,
    _SHARE,
    _SMOOTHED,
) = places_of(FEATURES)


@jit
def compute(  # noqa: C901 — one pass over the record
    now: int, amount: int, s: Any, c: int, memory: Any, out: Any
) -> None:
    """The merchant's features at the time of an event of that amount, from record c."""
    until = horizon(now)
    today = until // DAY
    known_day = now // DAY - LABEL_DELAY_DAYS
    count_1h = count_24h = count_7d = small = amount_7d = delayed = frauds = 0
    h = s.headers[c]
    begin = s.starts[c]
    rank = 0
    for j in range(begin + int(h.count) - 1, begin - 1, -1):
        e = s.sightings[j]
        at = e.when >> 8
        rank += at <= until
        day = at // DAY
        if day < known_day - _RISK_DAYS:
            break
        delayed += day < known_day
        if at > until or day <= today - _DAYS:
            continue
        count_7d += 1
        amount_7d += int(e.amount)
        if rank > _CAP:  # by whole days only
            continue
        count_24h += at > until - DAY
        if at > until - HOUR:
            count_1h += 1
            small += e.amount <= _SMALL_AMOUNT
    for j in range(s.tile_starts[c], s.tile_starts[c] + int(h.tiles)):
        tile = s.tiles[j]
        if today - _DAYS < tile.day <= today:
            count_7d += int(tile.count)
            amount_7d += tile.amount
        if known_day - _RISK_DAYS <= tile.day < known_day:
            delayed += int(tile.count)
    for j in range(s.label_starts[c], s.label_starts[c] + int(h.labels)):
        day = s.labels[j].time // DAY
        if known_day - _RISK_DAYS <= day < known_day:
            frauds += is_fraud(s.labels[j], now)
    out[_COUNT_1H], out[_COUNT_24H], out[_COUNT_7D], out[_SMALL_1H] = count_1h, count_24h, count_7d, small
    out[_CARDS_1H] = distinct_cards(s, c, until - HOUR, until, _CAP, memory)
    if amount_7d > 0:
        out[_MEAN_7D] = amount_7d / count_7d
        out[_TO_MEAN] = amount * count_7d / amount_7d
    elif count_7d > 0:
        out[_MEAN_7D] = 0.0
    out[_DELAYED], out[_FRAUDS] = delayed, frauds
    out[_SHARE] = frauds / delayed if delayed > 0 else 0.0
    out[_SMOOTHED] = (frauds + SMOOTHING * BASE_RATE) / (delayed + SMOOTHING)
