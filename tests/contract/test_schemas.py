"""Schemas: examples, descriptions, compatibility of versions, and agreement with the domain's tables."""

from __future__ import annotations

from typing import Any

import jsonschema_rs
import pytest

from data_pipeline.contract.check import check_payload
from data_pipeline.contract.load import Example, load_examples, load_schema, schema_names, validator
from fraud_prevention.domain import reference, transaction
from fraud_prevention.domain.decision import OUTCOMES, alert_id

NAMES = schema_names()
EXAMPLES = [(name, example) for name in NAMES for example in load_examples(name)]


def _subject(name: str) -> str:
    """`labels.v2` -> `labels`."""
    return name.rsplit(".v", 1)[0]


VERSION_PAIRS = [(reader, writer) for reader in NAMES for writer in NAMES if _subject(reader) == _subject(writer)]


@pytest.mark.parametrize(("name", "example"), EXAMPLES, ids=[f"{n}: {e.name}" for n, e in EXAMPLES])
def test_example_is_accepted_or_refused_at_the_field_it_names(name: str, example: Example) -> None:
    wrong = {error.field for error in check_payload(name, example.payload)}
    if example.field is None:
        assert wrong == set()
    else:
        assert example.field in wrong


@pytest.mark.parametrize("name", NAMES)
def test_schema_itself_is_valid_and_says_what_each_field_means(name: str) -> None:
    schema = load_schema(name)
    assert jsonschema_rs.meta.is_valid(schema)
    assert schema["title"] == name
    assert schema["$schema"].endswith("2020-12/schema")
    for field, spec in schema["properties"].items():
        assert spec.get("description", "").endswith((".", ")", "above 1 MB: read it at its offset.")), field
        for example in spec["examples"]:
            assert jsonschema_rs.is_valid(spec, example), (field, example)


@pytest.mark.parametrize("name", NAMES)
def test_schema_has_examples_of_both_kinds(name: str) -> None:
    examples = load_examples(name)
    assert any(e.field is None for e in examples)
    assert any(e.field is not None for e in examples)


@pytest.mark.parametrize(("reader", "writer"), VERSION_PAIRS)
def test_version_reads_the_valid_examples_of_the_other(reader: str, writer: str) -> None:
    for example in load_examples(writer):
        if example.field is None:
            assert validator(reader).is_valid(example.payload), example.name


def _properties(name: str) -> dict[str, Any]:
    properties: dict[str, Any] = load_schema(name)["properties"]
    return properties


def test_transaction_schema_holds_the_fields_and_tables_of_the_domain() -> None:
    properties = _properties("transactions.v1")
    assert tuple(sorted(properties)) == tuple(sorted(transaction.FIELDS))
    assert properties["currency"]["enum"] == sorted(reference.CURRENCIES)
    assert properties["merchant_country"]["enum"] == sorted(reference.COUNTRIES)
    assert properties["channel"]["enum"] == list(transaction.CHANNELS)
    assert properties["amount_minor"]["maximum"] == transaction.MAX_AMOUNT_MINOR


def test_outcomes_are_those_of_the_domain() -> None:
    assert _properties("decisions.v1")["outcome"]["enum"] == list(OUTCOMES)
    assert _properties("alerts.v1")["outcome"]["enum"] == [o for o in OUTCOMES if o != "approve"]


def test_alert_example_has_the_id_that_follows_from_its_decision() -> None:
    payload = next(e.payload for e in load_examples("alerts.v1") if e.field is None)
    assert payload["alert_id"] == alert_id(payload["transaction_id"], payload["decision_version"])


@pytest.mark.parametrize("name", NAMES)
def test_no_field_can_carry_truth_or_a_person(name: str) -> None:
    banned = {"scenario", "name", "email", "phone", "address", "pan", "card_number"}
    if name != "labels.v1":
        banned.add("is_fraud")
    assert banned.isdisjoint(_properties(name))
