"""The feature catalogue: every feature once, in the order of the served vector.

Windows are (t - w, t] over the customer's earlier events in the order of the log, the event itself excluded
unless `includes_current`. A late event sees the entries that precede it in the log and are not newer than it;
its own vector is never revised, and later events see it. Events older than the record's floor (the newest
event minus 30 days, or the ring's cap) are not seen by anyone. Values are float64 and never NaN: where there
is nothing to compute from, the default stands.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import Any, Final, Literal

Entity = Literal["card", "customer", "transaction"]
PiiClass = Literal["none", "behaviour", "location"]


@dataclass(frozen=True, slots=True)
class Feature:
    """One number of the vector."""

    name: str
    entity: Entity
    aggregate: str
    unit: str
    description: str
    window: str = "-"
    default: float = 0.0
    pii: PiiClass = "behaviour"
    includes_current: bool = False


def _velocity() -> list[Feature]:
    found = [
        Feature(f"card_txn_count_{w}", "card", "count", "1", f"transactions of the card in the last {w}", w)
        for w in ("5m", "1h", "24h", "7d", "30d")
    ]
    found += [
        Feature(f"card_amount_sum_{w}", "card", "sum", "base minor", f"money spent by the card in the last {w}", w)
        for w in ("1h", "24h", "7d", "30d")
    ]
    found += [
        Feature(f"customer_txn_count_{w}", "customer", "count", "1", f"the customer's transactions in the last {w}", w)
        for w in ("1h", "24h", "30d")
    ]
    found.append(Feature("customer_amount_sum_24h", "customer", "sum", "base minor", "money the customer spent", "24h"))
    found.append(
        Feature(
            "small_amount_count_1h", "card", "count", "1", "amounts of 5.00 or less on the card: card testing", "1h"
        )
    )
    found.append(
        Feature("same_merchant_count_24h", "card", "count", "1", "transactions of the card at this merchant", "24h")
    )
    return found


_AMOUNT: Final = (
    Feature("card_amount_mean_30d", "card", "mean", "base minor", "the card's usual amount", "30d", -1.0),
    Feature("card_amount_std_30d", "card", "std", "base minor", "how much the card's amounts vary", "30d", -1.0),
    Feature("card_amount_max_30d", "card", "max", "base minor", "the card's greatest amount", "30d", -1.0),
    Feature(
        "amount_to_card_mean_30d",
        "card",
        "ratio",
        "1",
        "this amount over the card's mean",
        "30d",
        -1.0,
        "behaviour",
        True,
    ),
    Feature(
        "amount_zscore_card_30d",
        "card",
        "z-score",
        "1",
        "this amount in the card's standard deviations from its mean; 0 under three transactions",
        "30d",
        0.0,
        "behaviour",
        True,
    ),
)

_RECENCY: Final = (
    Feature("seconds_since_last_card", "card", "age", "s", "since the card's last transaction", "30d", -1.0),
    Feature(
        "seconds_since_last_customer", "customer", "age", "s", "since the customer's last transaction", "30d", -1.0
    ),
    Feature("customer_txn_count_total", "customer", "count", "1", "the customer's transactions ever seen", "all"),
    Feature("customer_age_days", "customer", "age", "d", "since the customer's first transaction", "all", 0.0),
    Feature(
        "hour_share_30d",
        "customer",
        "share",
        "1",
        "share of the customer's transactions within two hours of this local hour",
        "30d",
        -1.0,
    ),
)

_GEOGRAPHY: Final = (
    Feature(
        "distance_from_last_km",
        "customer",
        "distance",
        "km",
        "from the last place where a card was present; only where one is present now",
        "30d",
        -1.0,
        "location",
        True,
    ),
    Feature(
        "speed_from_last_kmh",
        "customer",
        "speed",
        "km/h",
        "needed to get here from that place, at least a minute assumed",
        "30d",
        -1.0,
        "location",
        True,
    ),
    Feature(
        "distance_from_usual_km",
        "customer",
        "distance",
        "km",
        "from the mean place of the customer's card-present transactions",
        "30d",
        -1.0,
        "location",
        True,
    ),
    Feature(
        "is_new_country_30d",
        "customer",
        "novelty",
        "0/1",
        "country not seen; 1 without history",
        "30d",
        1.0,
        "location",
    ),
    Feature("distinct_countries_24h", "customer", "distinct", "1", "countries seen", "24h", 0.0, "location"),
)

_NOVELTY: Final = (
    Feature("distinct_merchants_24h", "card", "distinct", "1", "merchants the card was used at", "24h"),
    Feature("distinct_mccs_24h", "card", "distinct", "1", "merchant categories the card was used in", "24h"),
    Feature("distinct_devices_30d", "customer", "distinct", "1", "devices the customer used", "30d"),
    Feature("is_new_merchant_30d", "customer", "novelty", "0/1", "merchant not seen; 1 without history", "30d", 1.0),
    Feature(
        "is_new_device_30d", "customer", "novelty", "0/1", "device not seen; 0 where the event names none", "30d", 0.0
    ),
    Feature("is_new_mcc_30d", "customer", "novelty", "0/1", "category not seen; 1 without history", "30d", 1.0),
)


def _context(name: str, unit: str, description: str) -> Feature:
    return Feature(name, "transaction", "value", unit, description, includes_current=True, pii="none")


_CONTEXT: Final = (
    _context("amount_base_minor", "base minor", "the amount in the base currency"),
    _context("local_hour", "h", "hour of the day at the place of the transaction, 0 to 23"),
    _context("is_weekend", "0/1", "Saturday or Sunday at the place of the transaction"),
    _context("is_night", "0/1", "local hour 0 to 5"),
    _context("is_remote", "0/1", "neither card nor person present: ecom or transfer"),
    _context("is_cash", "0/1", "cash withdrawal"),
    _context("is_high_risk_mcc", "0/1", "category whose goods turn into money quickly"),
    _context("is_foreign_currency", "0/1", "not in the base currency"),
)

FEATURES: Final[tuple[Feature, ...]] = (*_velocity(), *_AMOUNT, *_RECENCY, *_GEOGRAPHY, *_NOVELTY, *_CONTEXT)
FEATURE_NAMES: Final[tuple[str, ...]] = tuple(f.name for f in FEATURES)
FEATURE_COUNT: Final = len(FEATURES)
_INDEX: Final = {name: i for i, name in enumerate(FEATURE_NAMES)}


def index_of(name: str) -> int:
    """Place of the feature in the vector. Raises KeyError for an unknown name."""
    return _INDEX[name]


def as_records() -> list[dict[str, Any]]:
    """The catalogue as plain data, for the docs page and the JSON."""
    return [asdict(f) for f in FEATURES]


# Raised with every change of a value that the descriptions above do not show; a test holds the kernel's answers to it.
KERNEL_REVISION: Final = 2

# Any change of meaning changes the version, so that a model never meets vectors it was not trained on.
_MEANING: Final = [KERNEL_REVISION, *as_records()]
CATALOGUE_VERSION: Final = "fc-" + sha256(json.dumps(_MEANING, sort_keys=True).encode()).hexdigest()[:12]
