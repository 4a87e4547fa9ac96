"""The job in plain Python: the features of one event from its customer's earlier ones.

What a user of a stream library writes in its stateful function; every Python peer calls it. Standard library only.
The windows are those of the feature catalogue; repeated ids are not looked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, TypeAlias

FEATURES: Final = (
    "card_txn_count_1h",
    "card_txn_count_24h",
    "card_amount_sum_24h",
    "card_amount_mean_30d",
    "card_amount_max_30d",
    "seconds_since_last_card",
    "distinct_merchants_24h",
    "is_new_merchant_30d",
)
Entry: TypeAlias = list[Any]  # [event_time in ms, amount in base minor units, card, merchant]: plain JSON

HOUR_MS: Final = 3_600_000
DAY_MS: Final = 24 * HOUR_MS
WINDOW_MS: Final = 30 * DAY_MS
CAP: Final = 256  # the product keeps no more of a customer


def entry_of(event: Mapping[str, Any]) -> Entry:
    """What has to be remembered of an event."""
    return [event["event_time"], event["amount_base_minor"], event["card_token"], event["merchant_id"]]


def features_of(entries: list[Entry], new: Entry) -> list[float]:
    """The numbers of `FEATURES` for the event `new`; entries are the customer's earlier ones, oldest first."""
    time_ms, _, card, merchant = new
    count = count_24h = count_1h = total = sum_24h = largest = 0
    since_ms = -1
    merchants = set()
    is_new = True
    for then_ms, amount, by_card, at_merchant in reversed(entries):
        age_ms = time_ms - then_ms
        if age_ms < 0:
            continue  # a late event does not see what is newer than it
        if age_ms >= WINDOW_MS:
            break
        if at_merchant == merchant:
            is_new = False
        if by_card != card:
            continue
        if since_ms < 0:
            since_ms = age_ms
        count += 1
        total += amount
        largest = max(largest, amount)
        if age_ms < DAY_MS:
            count_24h += 1
            sum_24h += amount
            merchants.add(at_merchant)
            count_1h += age_ms < HOUR_MS
    mean = total / count if count else -1.0
    since_s = since_ms / 1000 if count else -1.0
    return [
        float(count_1h),
        float(count_24h),
        float(sum_24h),
        mean,
        float(largest) if count else -1.0,
        since_s,
        float(len(merchants)),
        float(is_new),
    ]


def remember(entries: list[Entry], new: Entry) -> None:
    """Insert `new` where its time belongs, and forget what no window reaches."""
    place = len(entries)
    while place > 0 and entries[place - 1][0] > new[0]:
        place -= 1
    entries.insert(place, new)
    floor_ms = entries[-1][0] - WINDOW_MS
    expired = max(0, len(entries) - CAP)
    while entries[expired][0] <= floor_ms:
        expired += 1
    del entries[:expired]


def advance(entries: list[Entry], event: Mapping[str, Any]) -> list[float]:
    """Features of the event from the state before it, then the event into the state."""
    new = entry_of(event)
    found = features_of(entries, new)
    remember(entries, new)
    return found
