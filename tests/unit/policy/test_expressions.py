"""The rule language: what it admits, what it refuses, and that one row and many compute alike."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fraud_prevention.domain.errors import InvalidPolicy
from fraud_prevention.policy.expressions import Coded, Column, Kind, compile_expression

VOCABULARY = {
    "amount": Kind.NUMBER,
    "mean": Kind.NUMBER,
    "is_night": Kind.FLAG,
    "channel": Kind.TEXT,
    "mcc": Kind.TEXT,
}
ROWS: dict[str, Column] = {
    "amount": np.array([100.0, 250.0, 0.0, -1.0]),
    "mean": np.array([50.0, 0.0, 0.0, -1.0]),
    "is_night": np.array([True, False, True, False]),
    "channel": np.array(["ecom", "chip", None, "atm"], object),
    "mcc": np.array(["5411", "6011", "5411", "7995"], object),
}


def hits(text: str) -> list[bool]:
    return [bool(hit) for hit in compile_expression(text, VOCABULARY, "rule")(ROWS)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("amount > 50", [True, True, False, False]),
        ("0 <= amount < 200", [True, False, True, False]),
        ("is_night and amount / mean >= 2", [True, False, False, False]),
        ("is_night or not channel == 'chip'", [True, False, True, True]),
        ("channel in ('ecom', 'atm')", [True, False, False, True]),
        ("channel not in ['ecom', 'atm']", [False, True, True, False]),
        ("amount in (250, -1)", [False, True, False, True]),
        ("amount not in (250,)", [True, False, True, True]),
        ("mcc != '5411' and -amount + 2 * mean - 1 < 0", [False, True, False, True]),
        ("amount > 50 and True", [True, True, False, False]),
    ],
)
def test_expression_says_what_it_reads_like(text: str, expected: list[bool]) -> None:
    assert hits(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "channel == 'chip'",
        "'chip' != channel",
        "channel in ('ecom', 'atm')",
        "channel not in ('ecom', 'atm')",
        "mcc == channel",
        "mcc != channel",
        "amount > 1000 and channel == 'chip'",
    ],
)
def test_coded_texts_answer_like_the_texts_themselves(text: str) -> None:
    channels, mccs = ["ecom", "chip", None, "atm"], ["5411", "chip", "7995"]
    plain: dict[str, Column] = ROWS | {"mcc": np.array([mccs[code] for code in (0, 1, 0, 2)], object)}
    coded: dict[str, Column] = plain | {
        "channel": Coded(channels, np.array([0, 1, 2, 3])),
        "mcc": Coded(mccs, np.array([0, 1, 0, 2])),
    }
    expression = compile_expression(text, VOCABULARY, "rule")
    assert expression(coded).tolist() == expression(plain).tolist()
    mixed: dict[str, Column] = plain | {"channel": coded["channel"]}
    assert expression(mixed).tolist() == expression(plain).tolist()


def test_division_by_zero_gives_zero() -> None:
    assert hits("amount / mean == 0") == [False, True, True, False]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("__import__('os').system('true')", "Call"),
        ("amount.real > 1", "Attribute"),
        ("amount[0] > 1", "Subscript"),
        ("[x for x in (1, 2)]", "ListComp"),
        ("(lambda: 1)() > 0", "Call"),
        ("amount ** 99 > 1", "Pow"),
        ("amount % 2 == 1", "Mod"),
        ("(amount := 3) > 1", "NamedExpr"),
        ("amount if is_night else mean", "IfExp"),
        ("f'{amount}' == 'x'", "JoinedStr"),
        ("amount > 1e300", "beyond"),
        ("amount > 1j", "constant"),
        ("channel == ''", "constant"),
        ("amount > ", "not an expression"),
        ("amount\x00 > 1", "not an expression"),
        ("amount is 3", "cannot compare"),
        ("channel > 'a'", "cannot compare"),
        ("amount > 'a'", "compares"),
        ("is_night > 1", "compares"),
        ("amount and is_night", "needs"),
        ("amount + 1", "a condition must be"),
        ("1 < 2", "reads no column"),
        ("amount in mean", "'in' needs a list"),
        ("amount in (mean,)", "constants only"),
        ("channel in (1, 2)", "compares"),
        ("amount in ()", "'in' needs a list"),
        ("amount > 1" + " and amount > 1" * 60, "characters"),
        ("not " * 20 + "is_night", "nested"),
        ("-" * 20 + "amount > 1", "nested"),
        ("(" * 240 + "amount" + ")" * 240 + " > 1", ""),
    ],
)
def test_anything_outside_the_language_is_refused(text: str, reason: str) -> None:
    with pytest.raises(InvalidPolicy, match="rule") as refusal:
        compile_expression(text, VOCABULARY, "rule")
    assert reason in refusal.value.reason


def test_unknown_name_comes_with_the_closest_ones() -> None:
    with pytest.raises(InvalidPolicy, match="did you mean amount"):
        compile_expression("amuont > 1", VOCABULARY, "rule")


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="amountischel_g ()<>=!+-*/'\"0123456789.,[]andornt", max_size=80))
def test_no_text_does_anything_but_compile_or_be_refused(text: str) -> None:
    try:
        expression = compile_expression(text, VOCABULARY, "rule")
    except InvalidPolicy:
        return
    assert expression(ROWS).shape == (4,)
