"""Formulas: the rule language where a number is wanted, with a few functions more."""

from __future__ import annotations

import numpy as np
import pytest

from fraud_prevention.domain.errors import InvalidPolicy
from fraud_prevention.policy.expressions import Column, Kind, compile_expression, compile_formula

VOCABULARY = {"amount": Kind.NUMBER, "mean": Kind.NUMBER, "is_night": Kind.FLAG, "channel": Kind.TEXT}
ROWS: dict[str, Column] = {
    "amount": np.array([100.0, 250.0, 0.0, -1.0]),
    "mean": np.array([50.0, 0.0, 0.0, -1.0]),
    "is_night": np.array([True, False, True, False]),
    "channel": np.array(["ecom", "chip", None, "atm"], object),
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("(amount + 1) / mean", [2.02, 0.0, 0.0, 0.0]),
        ("min(amount, mean, 60)", [50.0, 0.0, 0.0, -1.0]),
        ("max(0, amount - mean)", [50.0, 250.0, 0.0, 0.0]),
        ("where(is_night and channel == 'ecom', amount, -1)", [100.0, -1.0, -1.0, -1.0]),
        ("amount >= 100", [1.0, 1.0, 0.0, 0.0]),
        ("is_night", [1.0, 0.0, 1.0, 0.0]),
    ],
)
def test_formula_is_a_number_for_each_row(text: str, expected: list[float]) -> None:
    found = compile_formula(text, VOCABULARY, "column")(ROWS)
    assert found.dtype == np.float64
    assert found.tolist() == expected


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("channel", "a formula must be a number or a yes or no"),
        ("abs(amount)", "calls 'abs'"),
        ("min(amount)", "with 1 parts"),
        ("where(is_night, amount)", "with 2 parts"),
        ("where(amount, 1, 2)", "needs a yes or no"),
        ("max(amount, is_night)", "needs a number"),
        ("max(*amount, 1)", "Starred"),
        ("max(amount, mean, key=1)", "Call"),
        ("min.real(amount, 1)", "Call"),
        ("min", "does not know 'min'"),
        ("max(1, 2)", "reads no column"),
    ],
)
def test_formula_outside_the_language_is_refused(text: str, reason: str) -> None:
    with pytest.raises(InvalidPolicy, match="column") as refusal:
        compile_formula(text, VOCABULARY, "column")
    assert reason in refusal.value.reason


def test_functions_are_for_formulas_only() -> None:
    with pytest.raises(InvalidPolicy, match="uses Call"):
        compile_expression("min(amount, mean) > 1", VOCABULARY, "rule")
