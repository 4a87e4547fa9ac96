"""The JSON Schema of transactions.v1 and the domain's parser accept and refuse the same payloads."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_pipeline.contract.load import Example, load_examples, load_schema, validator
from fraud_prevention.domain.errors import InvalidTransaction
from fraud_prevention.domain.transaction import TimeBounds, parse_transaction

NO_BOUNDS = TimeBounds(max_future_ms=0, max_age_ms=0, is_enforced=False)
EXAMPLES = load_examples("transactions.v1")
VALID = [example.payload for example in EXAMPLES if example.field is None]
FIELDS: dict[str, Any] = load_schema("transactions.v1")["properties"]


def _is_accepted_by_the_domain(payload: Any) -> bool:
    """On the topic the converted amount is a must; at the API the parser adds it."""
    try:
        parse_transaction(payload, 0, NO_BOUNDS)
    except InvalidTransaction:
        return False
    return payload.get("amount_base_minor") is not None


def _is_accepted_by_the_schema(payload: Any) -> bool:
    return validator("transactions.v1").is_valid(payload)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda e: e.name)
def test_both_doors_agree_on_the_examples(example: Example) -> None:
    assert _is_accepted_by_the_domain(example.payload) == (example.field is None)
    assert _is_accepted_by_the_schema(example.payload) == (example.field is None)


@pytest.mark.parametrize(
    "example", [e for e in EXAMPLES if e.field not in (None, "amount_base_minor")], ids=lambda e: e.name
)
def test_the_parser_names_the_field_that_the_example_names(example: Example) -> None:
    with pytest.raises(InvalidTransaction) as refused:
        parse_transaction(example.payload, 0, NO_BOUNDS)
    assert example.field in {error.field for error in refused.value.errors}


# A float without a fraction (5.0) is left out: JSON Schema calls it an integer, the parser asks for one.
_FLOATS = st.floats(allow_nan=False, allow_infinity=False).filter(lambda x: not x.is_integer())
_SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.sampled_from([-721, -720, -1, 0, 840, 841, 10**11, 10**11 + 1, 2**53, 2**53 + 1]),
    _FLOATS,
    st.text(max_size=70),
    st.sampled_from(["EUR", "eur", "AT", "5411", "411", "chip", "api", "10.0.0.1", "::1", "x" * 64, "x" * 65, "a\n"]),
)
_VALUES = st.one_of(
    _SCALARS, st.lists(_SCALARS, max_size=2), st.dictionaries(st.text(max_size=4), _SCALARS, max_size=2)
)
_NAMES = st.one_of(st.sampled_from(sorted(FIELDS)), st.text(min_size=1, max_size=12))
_DROP = object()


@settings(max_examples=400, deadline=None)
@given(
    base=st.sampled_from(VALID),
    changes=st.lists(st.tuples(_NAMES, st.one_of(st.just(_DROP), _VALUES)), min_size=1, max_size=3),
)
def test_both_doors_agree_on_any_mutation(base: dict[str, Any], changes: list[tuple[str, Any]]) -> None:
    payload = copy.deepcopy(base)
    for name, value in changes:
        if value is _DROP:
            payload.pop(name, None)
        else:
            payload[name] = value
    assert _is_accepted_by_the_schema(payload) == _is_accepted_by_the_domain(payload)


@given(_VALUES)
def test_both_doors_refuse_what_is_no_object(payload: Any) -> None:
    assert not _is_accepted_by_the_schema(payload)
    assert not _is_accepted_by_the_domain(payload)


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity"])
def test_the_parser_refuses_numbers_that_json_does_not_have(text: str) -> None:
    payload = {**VALID[0], "lat": json.loads(text)}
    assert not _is_accepted_by_the_domain(payload)
