"""What officers read about a rule is what the rule computed."""

from __future__ import annotations

import pytest

from fraud_prevention.domain.reasons import analyst_text


@pytest.mark.parametrize(
    ("code", "features", "text"),
    [
        (
            "COUNTRY_HOPPING",
            {"distinct_countries_24h": 2.0},
            "In a country new to the customer, after payments in 2 others within 24 hours",
        ),
        ("VELOCITY_BURST", {"card_txn_count_5m": 5.0}, "5 transactions of the card in the five minutes before"),
    ],
)
def test_figures_exclude_the_payment_itself_and_the_text_says_so(
    code: str, features: dict[str, float], text: str
) -> None:
    assert analyst_text(code, features) == text
