"""The sink accepts what the contract accepts, and refuses what it refuses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import orjson
import pytest

from fraud_prevention.domain import topics
from fraud_prevention.ports import Record
from storage_security.sink.rows import TOPICS, to_batch
from storage_security.sink.shapes import SHAPES, find_errors

_EXAMPLES = Path(__file__).resolve().parents[3] / "data-pipeline" / "contracts" / "examples"


def _examples(verdict: str) -> list[Any]:
    """One case per topic and example of the contract."""
    return [
        pytest.param(topic, example, id=f"{topic}: {example['name']}")
        for topic in (TOPICS if verdict == "valid" else SHAPES)
        for example in json.loads(_file_of(topic).read_text())[verdict]
    ]


def _file_of(topic: str) -> Path:
    return _EXAMPLES / ("dead-letter.v1.json" if topic in topics.DEAD_LETTERS else f"{topic}.json")


@pytest.mark.parametrize(("topic", "example"), _examples("valid"))
def test_every_valid_example_becomes_a_row(topic: str, example: dict[str, Any]) -> None:
    record = Record(topic, 0, 0, b"c", orjson.dumps(example["payload"]), 0)
    batch = to_batch([record])
    assert batch.bad == []
    assert sum(map(len, batch.rows.values())) == 1


@pytest.mark.parametrize(("topic", "example"), _examples("invalid"))
def test_every_invalid_example_names_its_field(topic: str, example: dict[str, Any]) -> None:
    fields = {error.field.split(".")[0] for error in find_errors(topic, example["payload"])}
    assert example["field"].split(".")[0] in fields


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (None, "missing"),
        (b"", "not_json"),
        (b"\xff\xfe", "not_json"),
        (b'{"a": NaN}', "not_json"),
        (b"[1, 2]", "wrong_type"),
        (b'{"event_id": "\\u0000"}', "bad_format"),
        (b'{"detail": "' + b"x" * 1_048_576 + b'"}', "too_large"),
    ],
)
def test_bytes_that_are_no_event_are_set_aside_with_a_reason(value: bytes | None, code: str) -> None:
    batch = to_batch([Record(topics.CUSTOMER_EVENTS, 3, 7, b"c", value, 0)])
    assert [bad.errors[0].code for bad in batch.bad] == [code]
    assert batch.rows == {}
