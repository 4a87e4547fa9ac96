"""Labels and answers of the issuer: what is taken in, what is passed over, in which order."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_pipeline.stream.side_inputs import SideInput, side_inputs
from model.features.codes import hash64

LABEL: dict[str, Any] = {
    "transaction_id": "t1",
    "customer_id": "c1",
    "event_time": 1_790_000_000_000,
    "observed_at": 1_790_000_100_001,
    "is_fraud": True,
    "merchant_id": "m1",
    "terminal_id": "e1",
}
ANSWER: dict[str, Any] = {
    "transaction_id": "t1",
    "customer_id": "c1",
    "observed_at": 1_790_000_000_500,
    "result": "declined",
}


def label(**changes: Any) -> bytes:
    return orjson.dumps({**LABEL, **changes})


def answer(**changes: Any) -> bytes:
    return orjson.dumps({**ANSWER, **changes})


def without(record: dict[str, Any], name: str) -> bytes:
    return orjson.dumps({k: v for k, v in record.items() if k != name})


def test_a_label_is_taken_in_whole() -> None:
    assert side_inputs(3, [label()], []) == [
        SideInput(3, "c1", hash64("t1"), 1_790_000_100_001, True, True, 1_790_000_000_000, hash64("m1"), hash64("e1"))
    ]


@pytest.mark.parametrize(("result", "is_bad"), [("declined", True), ("approved", False)])
def test_an_answer_is_taken_in_whole(result: str, is_bad: bool) -> None:
    assert side_inputs(0, [], [answer(result=result)]) == [
        SideInput(0, "c1", hash64("t1"), 1_790_000_000_500, False, is_bad)
    ]


def test_labels_come_first_each_in_the_order_of_its_log() -> None:
    labels = [label(transaction_id=f"l{i}") for i in range(3)]
    answers = [answer(transaction_id=f"a{i}") for i in range(3)]
    assert [i.transaction for i in side_inputs(0, labels, answers)] == [
        hash64(name) for name in ("l0", "l1", "l2", "a0", "a1", "a2")
    ]


@pytest.mark.parametrize("name", ["merchant_id", "terminal_id"])
@pytest.mark.parametrize("absent", [True, False])
def test_a_label_need_not_name_places(name: str, absent: bool) -> None:
    (found,) = side_inputs(0, [without(LABEL, name) if absent else label(**{name: None})], [])
    assert getattr(found, name.removesuffix("_id")) == 0


def test_a_revoked_label_is_one() -> None:
    (found,) = side_inputs(0, [label(is_fraud=False)], [])
    assert found.is_label
    assert not found.is_bad


@pytest.mark.parametrize(
    "value",
    [
        None, b"", b"null", b"[]", b"1", b'"text"', b"{}", b"\xff", label()[:-1], label() + b"x",
        *(without(LABEL, n) for n in ("transaction_id", "customer_id", "event_time", "observed_at", "is_fraud")),
        label(is_fraud=1), label(is_fraud="true"), label(is_fraud=None),
        label(customer_id=""), label(customer_id=1), label(transaction_id=None), label(merchant_id=1),
        label(merchant_id=""), label(terminal_id=["x"]),
        label(event_time=-1), label(event_time=1.5), label(event_time=True), label(event_time=2**53 + 1),
        label(observed_at="0"), label(observed_at=-1), label(observed_at=None),
    ],
)  # fmt: skip
def test_what_is_no_label_is_passed_over(value: bytes | None) -> None:
    assert [i.transaction for i in side_inputs(0, [label(), value, label()], [])] == [hash64("t1")] * 2


@pytest.mark.parametrize(
    "value",
    [
        None, b"", b"null", b"[]", b"{}", answer()[:-1],
        *(without(ANSWER, n) for n in ("transaction_id", "customer_id", "observed_at", "result")),
        answer(result="DECLINED"), answer(result=1), answer(result=None), answer(observed_at=1.0), answer(customer_id=[]),
    ],
)  # fmt: skip
def test_what_is_no_answer_is_passed_over(value: bytes | None) -> None:
    assert len(side_inputs(0, [], [answer(), value, answer()])) == 2


@pytest.mark.parametrize(
    ("observed_at", "seconds"), [(0, 0), (1, 1), (999, 1), (1_000, 1), (1_001, 2), (2**53, 2**32 - 2)]
)
def test_seconds_are_never_early_and_never_too_large(observed_at: int, seconds: int) -> None:
    (found,) = side_inputs(0, [label(observed_at=observed_at)], [])
    assert found.observed_s == seconds


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*LABEL, *ANSWER]), inner, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from([*LABEL, "result"]), JSON), st.binary(max_size=30))
def test_no_body_stops_the_stream(changes: dict[str, Any], noise: bytes) -> None:
    try:
        bodies = [orjson.dumps({**LABEL, **ANSWER, **changes}), noise]
    except (TypeError, orjson.JSONEncodeError):
        return
    for found in side_inputs(0, bodies, bodies):
        assert found.customer_id
        assert 0 <= found.observed_at <= 2**53
        assert 0 <= found.event_time <= 2**53
