"""What the card that pays has done: how often, for how much, and how this amount compares.

An attempt that the issuer declined counts as an attempt, and not as money: it is left out of sums, means, the greatest
amount, the median and what is compared with them.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from fraud_prevention.domain.transaction import CHANNELS
from model.features.compiled import jit
from model.features.entry import DAY, HOUR, MINUTE, SMALL_AMOUNT, amount_of, is_declined, is_present
from model.features.feature import Feature, places_of
from model.features.record import FOREIGN_CURRENCY, FRAUD

MEDIAN_OF: Final = 60


def _card(
    name: str, aggregate: str, unit: str, description: str, window: str, default: float = 0.0, *, current: bool = False
) -> Feature:
    return Feature(name, "card", aggregate, unit, description, window, default, includes_current=current)


FEATURES: Final = (
    *(_card(f"card_txn_count_{w}", "count", "1", f"transactions of the card in the last {w}", w)
      for w in ("5m", "1h", "24h", "7d", "30d")),
    *(_card(f"card_amount_sum_{w}", "sum", "base minor", f"money spent by the card in the last {w}", w)
      for w in ("1h", "24h", "7d", "30d")),
    _card("small_amount_count_1h", "count", "1", "amounts of 5.00 or less on the card: card testing", "1h"),
    _card("same_merchant_count_24h", "count", "1", "transactions of the card at this merchant", "24h"),
    _card("same_amount_count_24h", "count", "1", "transactions of the card of this very amount", "24h"),
    _card("card_cash_count_24h", "count", "1", "cash withdrawals with the card", "24h"),
    _card("card_foreign_count_7d", "count", "1", "transactions of the card in a foreign currency", "7d"),
    _card("card_remote_share_30d", "share", "1", "share of the card's transactions where it was not present", "30d", -1.0),
    _card("card_decline_count_1h", "count", "1", "attempts of the card that the issuer declined", "1h"),
    _card("card_decline_count_24h", "count", "1", "attempts of the card that the issuer declined", "24h"),
    _card("seconds_since_decline_card", "age", "s", "since the card's last declined attempt", "30d", -1.0),
    _card("card_known_fraud_count_30d", "count", "1", "transactions of the card labelled as fraud by now", "30d"),
    _card("card_amount_mean_7d", "mean", "base minor", "the card's amount this week", "7d", -1.0),
    _card("card_amount_mean_30d", "mean", "base minor", "the card's usual amount", "30d", -1.0),
    _card("card_amount_std_30d", "std", "base minor", "how much the card's amounts vary", "30d", -1.0),
    _card("card_amount_max_30d", "max", "base minor", "the card's greatest amount", "30d", -1.0),
    _card("amount_to_card_mean_30d", "ratio", "1", "this amount over the card's mean", "30d", -1.0, current=True),
    _card("amount_zscore_card_30d", "z-score", "1",
          "this amount in the card's standard deviations from its mean; 0 under three transactions", "30d", current=True),
    _card("amount_to_card_median_60", "ratio", "1", "this amount over the median of the card's last 60", "30d", -1.0,
          current=True),
    _card("card_large_count_14d", "count", "1", "transactions of the card above three times that median", "14d"),
    _card("seconds_since_last_card", "age", "s", "since the card's last transaction", "30d", -1.0),
)  # fmt: skip
(
    _COUNT_5M, _COUNT_1H, _COUNT_24H, _COUNT_7D, _COUNT_30D, _SUM_1H, _SUM_24H, _SUM_7D, _SUM_30D, _SMALL_1H,
    _SAME_MERCHANT, _SAME_AMOUNT, _CASH_24H, _FOREIGN_7D, _REMOTE_SHARE, _DECLINES_1H, _DECLINES_24H, _SINCE_DECLINE,
    _FRAUDS, _MEAN_7D, _MEAN, _STD, _MAX, _TO_MEAN, _ZSCORE, _TO_MEDIAN, _LARGE, _SINCE_CARD,
) = places_of(FEATURES)  # fmt: skip
_ATM: Final = CHANNELS.index("atm")
_LARGE_RATIO: Final = 3
# An amount above it, or above three times the card's median, is explained by the card and says little of the terminal.
_LARGE_MINOR: Final = 22_000


@jit
def _select(values: Any, n: int, k: int) -> int:
    """The k-th smallest of the first n values, from 0; what lies before it is not greater afterwards."""
    low, high = 0, n - 1
    while low < high:
        pivot = values[(low + high) // 2]
        i, j = low, high
        while i <= j:
            while values[i] < pivot:
                i += 1
            while values[j] > pivot:
                j -= 1
            if i <= j:
                values[i], values[j] = values[j], values[i]
                i += 1
                j -= 1
        if k <= j:
            high = j
        elif k >= i:
            low = i
        else:
            break
    return int(values[k])


@jit
def _twice_median(values: Any, n: int) -> int:
    """Twice the median of the first n values: whole, whatever n is."""
    upper = _select(values, n, n // 2)
    if n % 2 == 1:
        return int(2 * upper)
    lower = values[0]
    for k in range(1, n // 2):
        lower = max(lower, values[k])
    return int(lower + upper)


@jit
def _spread(amount: int, count: int, total: int, squares: float, largest: int, out: Any) -> None:
    mean = total / count
    variance = squares / count - mean * mean
    std = np.sqrt(variance) if variance > 0.0 else 0.0
    out[_MEAN] = mean
    out[_STD] = std
    out[_MAX] = largest
    out[_TO_MEAN] = amount / mean if mean > 0.0 else -1.0
    if count >= 3:
        # A floor of one percent of the mean keeps a subscription's cent of variance from making a thousand sigmas.
        out[_ZSCORE] = (amount - mean) / max(std, 0.01 * mean, 1.0)


@jit
def compute(  # noqa: C901, PLR0915 — one pass over the entries, which a split would repeat
    x: Any, entries: Any, first: int, end: int, recent: Any, out: Any
) -> bool:
    """The card's features from the customer's entries [first, end); whether the card explains a suspicion of x.

    recent: room for the last MEDIAN_OF amounts, int64.
    """
    count = paid = total = largest = kept = 0
    squares = 0.0
    count_5m = count_1h = count_24h = count_7d = sum_1h = sum_24h = sum_7d = paid_7d = 0
    small = same_merchant = same_amount = cash = foreign = remote = declines_1h = declines_24h = frauds = 0
    last = last_decline = -1
    now = amount_of(x)
    for j in range(end - 1, first - 1, -1):
        e = entries[j]
        if e.card != x.card:
            continue
        age = x.event_time - e.event_time
        amount = amount_of(e)
        declined = is_declined(e)
        if last < 0:
            last = age
        count += 1
        remote += not is_present(e.channel)
        frauds += e.flags & FRAUD != 0
        if declined:
            if last_decline < 0:
                last_decline = age
            declines_24h += age < DAY
            declines_1h += age < HOUR
        else:
            paid += 1
            total += amount
            squares += float(amount) * float(amount)
            largest = max(largest, amount)
            if kept < MEDIAN_OF:
                recent[kept] = amount
                kept += 1
        if age < 7 * DAY:
            count_7d += 1
            foreign += e.flags & FOREIGN_CURRENCY != 0
            if not declined:
                sum_7d += amount
                paid_7d += 1
        if age < DAY:
            count_24h += 1
            sum_24h += 0 if declined else amount
            same_merchant += e.merchant == x.merchant
            same_amount += amount == now
            cash += e.channel == _ATM
        if age < HOUR:
            count_1h += 1
            sum_1h += 0 if declined else amount
            small += amount <= SMALL_AMOUNT
        if age < 5 * MINUTE:
            count_5m += 1
    out[_COUNT_5M], out[_COUNT_1H], out[_COUNT_24H] = count_5m, count_1h, count_24h
    out[_COUNT_7D], out[_COUNT_30D] = count_7d, count
    out[_SUM_1H], out[_SUM_24H], out[_SUM_7D], out[_SUM_30D] = sum_1h, sum_24h, sum_7d, total
    out[_SMALL_1H], out[_SAME_MERCHANT], out[_SAME_AMOUNT] = small, same_merchant, same_amount
    out[_CASH_24H], out[_FOREIGN_7D] = cash, foreign
    out[_DECLINES_1H], out[_DECLINES_24H], out[_FRAUDS] = declines_1h, declines_24h, frauds
    if last_decline >= 0:
        out[_SINCE_DECLINE] = last_decline / 1000.0
    if count > 0:
        out[_SINCE_CARD] = last / 1000.0
        out[_REMOTE_SHARE] = remote / count
    if paid_7d > 0:
        out[_MEAN_7D] = sum_7d / paid_7d
    if paid == 0:
        return bool(now > _LARGE_MINOR)
    _spread(now, paid, total, squares, largest, out)
    twice = _twice_median(recent, kept)
    out[_TO_MEDIAN] = 2.0 * now / twice if twice > 0 else -1.0
    large = 0
    for j in range(end - 1, first - 1, -1):
        e = entries[j]
        if x.event_time - e.event_time >= 14 * DAY:
            break
        large += e.card == x.card and not is_declined(e) and 2 * amount_of(e) > _LARGE_RATIO * twice
    out[_LARGE] = large
    return bool(now > _LARGE_MINOR or 2 * now > _LARGE_RATIO * twice)
