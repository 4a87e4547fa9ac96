"""The closed catalogue of reason codes: why a transaction was not simply approved. Standard library only.

A code is stable; its texts may be reworded. `label` is a headline; officers read `analyst`, in which {name} is filled with a
feature of the decision; cardholders may be told `customer`, which gives nothing away that would help to
get round a rule.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

Origin = Literal["rule", "score", "deviation"]

_FIGURE: Final = re.compile(r"\{(?P<name>\w+)(?::(?P<spec>[^}]*))?\}")

_UNUSUAL: Final = "This payment differs from your usual ones."
_CHECK: Final = "We check payments like this one to protect your account."
_PLACE: Final = "This payment came from an unusual place."
_DEVICE: Final = "This payment came from a device we have not seen before."


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason. `origin` says what raises it: a rule of the policy, a score, or one unusual feature."""

    code: str
    origin: Origin
    label: str
    analyst: str
    customer: str

    @property
    def placeholders(self) -> tuple[str, ...]:
        """Names of the features the analyst's text quotes."""
        return tuple(match["name"] for match in _FIGURE.finditer(self.analyst))


_RULES: Final = (
    Reason(
        "CARD_TESTING",
        "rule",
        "Card testing",
        "{small_amount_count_1h:.0f} tiny online amounts in an hour: someone tries a card",
        _CHECK,
    ),
    Reason(
        "IMPOSSIBLE_TRAVEL",
        "rule",
        "Impossible travel",
        "{speed_from_last_kmh:,.0f} km/h would be needed from the last place",
        _PLACE,
    ),
    Reason(
        "NIGHT_SPEND_NEW_COUNTRY",
        "rule",
        "Night spend in a new country",
        "Large amount at night in a country new to the customer",
        _PLACE,
    ),
    Reason(
        "NEW_DEVICE_LARGE_AMOUNT",
        "rule",
        "Large amount from a new device",
        "Unknown device spends far above the card's habit: account take-over",
        _DEVICE,
    ),
    Reason("CASH_BURST", "rule", "Burst of cash", "Much cash within 24 hours", _CHECK),
    Reason(
        "EXTREME_AMOUNT",
        "rule",
        "Extreme amount at a new merchant",
        "Amount far outside the card's history, at a merchant new to it",
        _UNUSUAL,
    ),
    Reason(
        "VELOCITY_BURST",
        "rule",
        "Burst of transactions",
        "{card_txn_count_5m:.0f} transactions of the card in the five minutes before",
        _CHECK,
    ),
    Reason(
        "RISKY_GOODS",
        "rule",
        "Risky goods, new category",
        "Goods that turn into money quickly, a category new to the customer, a high score",
        _CHECK,
    ),
    Reason(
        "NEW_CUSTOMER_LARGE_AMOUNT",
        "rule",
        "Large amount of a new customer",
        "Large amount from a customer with next to no history",
        _CHECK,
    ),
    Reason(
        "COUNTRY_HOPPING",
        "rule",
        "Country hopping",
        "In a country new to the customer, after payments in {distinct_countries_24h:.0f} others within 24 hours",
        _PLACE,
    ),
)

_SCORES: Final = (
    Reason("SCORE_ELEVATED", "score", "Elevated score", "Model score above the level for a step-up check", _CHECK),
    Reason("SCORE_HIGH", "score", "High score", "Model score above the level for review", _CHECK),
    Reason("SCORE_EXTREME", "score", "Extreme score", "Model score above the level for refusal", _CHECK),
)

_DEVIATIONS: Final = (
    Reason(
        "AMOUNT_ABOVE_USUAL",
        "deviation",
        "Amount above the usual",
        "Amount {amount_to_card_mean_30d:.1f} times the card's mean",
        _UNUSUAL,
    ),
    Reason(
        "AMOUNT_OUTLIER",
        "deviation",
        "Amount is an outlier",
        "Amount {amount_zscore_card_30d:.1f} standard deviations above the card's mean",
        _UNUSUAL,
    ),
    Reason(
        "MANY_IN_AN_HOUR",
        "deviation",
        "Many in an hour",
        "{card_txn_count_1h:.0f} transactions of the card in an hour",
        _UNUSUAL,
    ),
    Reason(
        "MANY_IN_A_DAY",
        "deviation",
        "Many in a day",
        "{card_txn_count_24h:.0f} transactions of the card in 24 hours",
        _UNUSUAL,
    ),
    Reason(
        "SMALL_AMOUNTS",
        "deviation",
        "Several tiny amounts",
        "{small_amount_count_1h:.0f} tiny amounts on the card in an hour",
        _UNUSUAL,
    ),
    Reason(
        "SAME_MERCHANT_AGAIN",
        "deviation",
        "Same merchant again",
        "{same_merchant_count_24h:.0f} times at this merchant in 24 hours",
        _UNUSUAL,
    ),
    Reason(
        "MANY_MERCHANTS", "deviation", "Many merchants", "{distinct_merchants_24h:.0f} merchants in 24 hours", _UNUSUAL
    ),
    Reason("MANY_DEVICES", "deviation", "Many devices", "{distinct_devices_30d:.0f} devices in 30 days", _DEVICE),
    Reason(
        "FAST_TRAVEL", "deviation", "Fast travel", "{speed_from_last_kmh:,.0f} km/h needed from the last place", _PLACE
    ),
    Reason(
        "FAR_FROM_USUAL",
        "deviation",
        "Far from the usual place",
        "{distance_from_usual_km:,.0f} km from where the customer usually pays",
        _PLACE,
    ),
    Reason("NEW_COUNTRY", "deviation", "New country", "Country not seen in 30 days", _PLACE),
    Reason("NEW_DEVICE", "deviation", "New device", "Device not seen in 30 days", _DEVICE),
    Reason("NEW_MERCHANT", "deviation", "New merchant", "Merchant not seen in 30 days", _UNUSUAL),
    Reason("NEW_CATEGORY", "deviation", "New category", "Kind of merchant not seen in 30 days", _UNUSUAL),
    Reason(
        "UNUSUAL_HOUR",
        "deviation",
        "Unusual hour",
        "The customer hardly ever pays around {local_hour:.0f}:00",
        _UNUSUAL,
    ),
    Reason("HIGH_RISK_CATEGORY", "deviation", "High-risk category", "Goods that turn into money quickly", _CHECK),
)

REASONS: Final[Mapping[str, Reason]] = {r.code: r for r in (*_RULES, *_SCORES, *_DEVIATIONS)}


def analyst_text(code: str, features: Mapping[str, float]) -> str:
    """The officer's text with the decision's own figures, "?" where one is missing. An unknown code reads as itself."""
    reason = REASONS.get(code)
    if reason is None:
        return code

    def figure(match: re.Match[str]) -> str:
        value = features.get(match["name"])
        return "?" if value is None else format(value, match["spec"] or "")

    return _FIGURE.sub(figure, reason.analyst)


def customer_text(code: str) -> str:
    """The cardholder's text. An unknown code gives the general one."""
    reason = REASONS.get(code)
    return _CHECK if reason is None else reason.customer


def label(code: str) -> str:
    """The headline. An unknown code reads as itself."""
    reason = REASONS.get(code)
    return code if reason is None else reason.label
