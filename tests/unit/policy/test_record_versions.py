"""Versions of the records behind a decision are what the contract lets them be."""

from __future__ import annotations

import jsonschema_rs
import numpy as np
import orjson
import pytest

from config import ROOT
from fraud_prevention.policy.record_versions import record_versions

SCHEMA = orjson.loads((ROOT / "data-pipeline/contracts/schemas/decisions.v1.json").read_bytes())["properties"]
VALIDATOR = jsonschema_rs.validator_for(SCHEMA["record_versions"])
SHARED = np.array([[7, -1, 12, -1]])
READ = {"customer": 3, "merchant": 7, "terminal": -1, "device": 12, "network": -1}
FOUND = {
    "api": (record_versions(np.array([3]), SHARED)[0], READ),
    "stream": (record_versions(np.array([3]), SHARED, [5, -1])[0], READ | {"positions": [5, -1]}),
}


@pytest.mark.parametrize("door", FOUND)
def test_versions_fit_the_contract(door: str) -> None:
    text, expected = FOUND[door]
    assert orjson.loads(text) == expected
    assert VALIDATOR.is_valid(expected)


@pytest.mark.parametrize(
    "wrong",
    [{"customer": {"0": 1}}, {"positions": 3}, {"positions": [-2]}, {"merchant": {"0": 1}}, {"merchant": [1]}],
)
def test_versions_of_another_shape_break_it(wrong: object) -> None:
    assert not VALIDATOR.is_valid(wrong)
