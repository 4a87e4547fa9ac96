"""Versions of the records behind a decision are what the contract lets them be."""

from __future__ import annotations

import jsonschema_rs
import orjson
import pytest

from config import ROOT
from fraud_prevention.policy.record_versions import api_versions, stream_versions

SCHEMA = orjson.loads((ROOT / "data-pipeline/contracts/schemas/decisions.v1.json").read_bytes())["properties"]
VALIDATOR = jsonschema_rs.validator_for(SCHEMA["record_versions"])
FOUND = {
    "stream, customer only": (stream_versions([3])[0], {"customer": 3}),
    "stream": (stream_versions([3, -1], [7, -1])[1], {"customer": -1, "positions": [7, -1]}),
    "api, customer only": (api_versions(-1), {"customer": -1}),
    "api": (
        api_versions(3, {"merchant": {0: 7, 11: 2}, "device": {}}),
        {"customer": 3, "merchant": {"0": 7, "11": 2}, "device": {}},
    ),
}


@pytest.mark.parametrize("door", FOUND)
def test_versions_fit_the_contract(door: str) -> None:
    text, expected = FOUND[door]
    assert orjson.loads(text) == expected
    assert VALIDATOR.is_valid(expected)


@pytest.mark.parametrize(
    "wrong",
    [{"customer": {"0": 1}}, {"positions": 3}, {"positions": [-2]}, {"merchant": {"a": 1}}, {"merchant": [1]}],
)
def test_versions_of_another_shape_break_it(wrong: object) -> None:
    assert not VALIDATOR.is_valid(wrong)
