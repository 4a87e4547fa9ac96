"""The contract in the repository is the one that the code serves."""

from __future__ import annotations

import json

import pytest

from fraud_prevention.usecases.cases import Cursor
from visualization_dashboard.backend.openapi import PATH, render
from visualization_dashboard.backend.present import format_cursor, parse_cursor
from visualization_dashboard.backend.problems import InvalidCursor


def test_contract_in_the_repository_is_up_to_date() -> None:
    assert PATH.read_text(encoding="utf-8") == render(), "run `python -m visualization_dashboard.backend.openapi`"


def test_every_operation_is_named_and_its_errors_are_problem_details() -> None:
    document = json.loads(PATH.read_text(encoding="utf-8"))
    operations = [op for path in document["paths"].values() for op in path.values()]
    assert len({op["operationId"] for op in operations}) == len(operations) == 6
    for operation in operations:
        for status, response in operation["responses"].items():
            if status >= "400":
                assert list(response["content"]) == ["application/problem+json"]


def test_every_reference_leads_somewhere() -> None:
    text = PATH.read_text(encoding="utf-8")
    schemas = json.loads(text)["components"]["schemas"]
    named = {part.split('"')[0] for part in text.split("#/components/schemas/")[1:]}
    assert named <= set(schemas)


def test_cursor_survives_the_journey() -> None:
    cursor = Cursor(-122_222.123456789, "cs-0123456789abcdef")
    assert parse_cursor(format_cursor(cursor)) == cursor


@pytest.mark.parametrize("text", ["", "x", "%%%", "AAAA", "ü", "A" * 15])
def test_cursor_that_was_not_made_here_is_refused(text: str) -> None:
    with pytest.raises(InvalidCursor):
        parse_cursor(text)
