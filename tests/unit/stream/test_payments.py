"""Columns of a table and of dictionaries are the same payments."""

from __future__ import annotations

import numpy as np
import orjson
import pyarrow as pa
import pytest

from data_pipeline.stream.payments import payments_of_table, texts_of
from fraud_prevention.policy.assemble import INTEGERS, TEXTS, payments_of
from fraud_prevention.policy.json_rows import Texts
from tests.fixtures.events import as_table, transactions


def test_some_rows_of_a_table_are_the_payments_of_their_payloads() -> None:
    payloads = transactions(90, customers=7, seed=3)
    table = pa.concat_tables([as_table(payloads[:40]), as_table(payloads[40:])])
    for rows in (np.arange(90), np.array([3, 41, 89]), np.zeros(0, np.intp)):
        found = payments_of_table(table, rows, lambda row: orjson.dumps(payloads[row]))
        expected = payments_of([payloads[row] for row in rows.tolist()])
        for name in TEXTS:
            column = found.texts[name]
            assert isinstance(column, Texts)
            assert column.tolist() == expected.texts[name]
            assert [column[i] for i in range(len(rows))] == expected.texts[name]
        for name in INTEGERS:
            assert list(found.integers[name]) == expected.integers[name]
        assert [found.wire(i) for i in range(len(rows))] == [expected.wire(i) for i in range(len(rows))]


def test_slice_of_a_column_gives_its_own_rows() -> None:
    column = pa.chunked_array([pa.array(["a", "bc", "", "défg"])]).slice(1)
    assert texts_of(column, np.array([2, 0])).tolist() == ["défg".encode(), b"bc"]


def test_null_is_no_text() -> None:
    with pytest.raises(ValueError, match="null"):
        texts_of(pa.chunked_array([pa.array(["a", None])]), np.array([0]))
