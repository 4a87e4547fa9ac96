"""The names a rule may use beside the features: scores and fields of the transaction."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from fraud_prevention.policy.expressions import Kind, kind_of_feature

SCORE_NAMES: Final = ("risk_score", "probability")

TRANSACTION_KINDS: Final[Mapping[str, Kind]] = {
    "amount_minor": Kind.NUMBER,
    "utc_offset_min": Kind.NUMBER,
    "event_time": Kind.NUMBER,
    "currency": Kind.TEXT,
    "mcc": Kind.TEXT,
    "merchant_country": Kind.TEXT,
    "channel": Kind.TEXT,
    "merchant_id": Kind.TEXT,
    "terminal_id": Kind.TEXT,
    "card_bin": Kind.TEXT,
}


def vocabulary_of(feature_names: tuple[str, ...]) -> dict[str, Kind]:
    """Every name a rule may use. A feature named like a field of the transaction stands for both."""
    return {
        **TRANSACTION_KINDS,
        **dict.fromkeys(SCORE_NAMES, Kind.NUMBER),
        **{name: kind_of_feature(name) for name in feature_names},
    }
