"""The fast path only clears what the slow, exact parser would clear, and keeps the order of the log."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pytest

from data_pipeline.stream.parse import COLUMNS, check
from fraud_prevention.domain.transaction import TimeBounds
from tests.fixtures.events import START_MS, transactions

BOUNDS = TimeBounds(max_future_ms=300_000, max_age_ms=86_400_000)


def as_parsed(payloads: list[dict[str, Any]], doubtful: frozenset[int] = frozenset()) -> pa.Table:
    """What the JVM hands over: typed columns (null where the type is wrong) beside the raw record."""
    columns: dict[str, Any] = {}
    for name, dtype in COLUMNS.items():
        kind = str if dtype == pa.string() else (int, float)
        values = [p.get(name) if isinstance(p.get(name), kind) else None for p in payloads]
        columns[name] = pa.array(values, dtype)
    count = len(payloads)
    columns |= {
        "value": pa.array([orjson.dumps(p) for p in payloads], pa.binary()),
        "offset": np.arange(count),
        "ingested_at": np.full(count, START_MS),
        "is_doubtful": [i in doubtful for i in range(count)],
    }
    return pa.table(columns)


def one(**changes: Any) -> dict[str, Any]:
    return {**transactions(1, customers=1, seed=1)[0], "event_time": START_MS, **changes}


def test_good_rows_pass_untouched() -> None:
    table = as_parsed([one(transaction_id=f"t{i}") for i in range(5)])
    checked = check(table, BOUNDS)
    assert checked.table is table
    assert checked.rejected == []
    assert [p["transaction_id"] for p in checked.payloads] == [f"t{i}" for i in range(5)]


@pytest.mark.parametrize(
    ("changes", "field", "code"),
    [
        ({"event_time": START_MS + 300_001}, "event_time", "in_future"),
        ({"event_time": START_MS - 86_400_001}, "event_time", "too_old"),
        ({"amount_minor": -1}, "amount_minor", "out_of_range"),
        ({"amount_base_minor": 10**12}, "amount_base_minor", "out_of_range"),
        ({"currency": "EURO"}, "currency", "unknown_value"),
        ({"merchant_country": "ZZ"}, "merchant_country", "unknown_value"),
        ({"channel": "pigeon"}, "channel", "unknown_value"),
        ({"decided_by": "me"}, "decided_by", "unknown_value"),
        ({"customer_id": "a b"}, "customer_id", "bad_format"),
        ({"merchant_id": "m\n"}, "merchant_id", "bad_format"),
        ({"mcc": "541"}, "mcc", "bad_format"),
        ({"lat": 91.0}, "lat", "out_of_range"),
        ({"card_token": None}, "card_token", "missing"),
        ({"utc_offset_min": "60"}, "utc_offset_min", "wrong_type"),
    ],
)
def test_a_broken_row_is_rejected_with_its_field(changes: dict[str, Any], field: str, code: str) -> None:
    table = as_parsed([one(), one(transaction_id="bad", **changes), one(transaction_id="t3")])
    checked = check(table, BOUNDS)
    (rejected,) = checked.rejected
    assert checked.table.column("offset").to_pylist() == [0, 2]
    assert [p["transaction_id"] for p in checked.payloads] == [one()["transaction_id"], "t3"]
    assert rejected.row == 1
    assert [(e.field, e.code) for e in rejected.errors] == [(field, code)]


@pytest.mark.parametrize("moment", [START_MS + 300_000, START_MS - 86_400_000])
def test_the_bounds_themselves_are_inside(moment: int) -> None:
    assert check(as_parsed([one(event_time=moment)]), BOUNDS).rejected == []


def test_history_passes_when_bounds_are_off() -> None:
    assert check(as_parsed([one(event_time=0)]), TimeBounds(0, 0, is_enforced=False)).rejected == []


def test_a_doubtful_row_that_is_good_keeps_its_place_and_gets_its_amount() -> None:
    payloads = [one(transaction_id=f"t{i}") for i in range(4)]
    del payloads[1]["amount_base_minor"]
    payloads[1] |= {"currency": "USD", "amount_minor": 10_000}
    checked = check(as_parsed(payloads, doubtful=frozenset({1, 2})), BOUNDS)
    assert checked.rejected == []
    assert checked.table.column("offset").to_pylist() == [0, 1, 2, 3]
    assert checked.table.column("amount_base_minor")[1].as_py() == 9_341
    assert [p["transaction_id"] for p in checked.payloads] == ["t0", "t1", "t2", "t3"]
    assert checked.payloads[1]["amount_base_minor"] == 9_341


@pytest.mark.parametrize("spoil", [lambda v: v.replace(b'"', b"'"), lambda v: v + b" x", lambda v: v + v])
def test_what_only_the_jvm_takes_for_json_is_rejected(spoil: Callable[[bytes], bytes]) -> None:
    table = as_parsed([one(), one(transaction_id="loose")])
    values = table.column("value").to_pylist()
    at = table.schema.get_field_index("value")
    checked = check(table.set_column(at, "value", pa.array([values[0], spoil(values[1])], pa.binary())), BOUNDS)
    assert [(r.row, r.errors[0].code) for r in checked.rejected] == [(1, "malformed_json")]
    assert checked.table.num_rows == len(checked.payloads) == 1
