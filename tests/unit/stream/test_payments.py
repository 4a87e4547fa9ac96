"""Columns of a table and of dictionaries are the same payments."""

from __future__ import annotations

import numpy as np
import orjson
import pyarrow as pa
import pytest

from data_pipeline.stream.payments import columns_of_table, payments_of_table, texts_of
from fraud_prevention.policy.assemble import INTEGERS, TEXTS, payments_of
from fraud_prevention.policy.decide import columns_of
from fraud_prevention.policy.expressions import Coded
from fraud_prevention.policy.json_rows import Texts
from fraud_prevention.policy.vocabulary import TRANSACTION_KINDS
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


def test_columns_for_the_rules_are_those_of_the_payloads() -> None:
    payloads = [
        p | ({"card_bin": "411111"} if i % 3 else {}) for i, p in enumerate(transactions(90, customers=7, seed=3))
    ]
    rows, names = np.array([3, 41, 89, 89]), tuple(TRANSACTION_KINDS)
    found = columns_of_table(as_table(payloads), rows, names)
    expected = columns_of([payloads[row] for row in rows.tolist()], names)
    assert found.keys() == expected.keys()
    for name in names:
        ours, theirs = found[name], expected[name]
        if isinstance(theirs, Coded):
            assert isinstance(ours, Coded)
            assert ours.decoded().tolist() == theirs.decoded().tolist()
        else:
            assert np.array_equal(ours, theirs)  # type: ignore[arg-type]  # a number's column is an array


def test_slice_of_a_column_gives_its_own_rows() -> None:
    column = pa.chunked_array([pa.array(["a", "bc", "", "défg"])]).slice(1)
    assert texts_of(column, np.array([2, 0])).tolist() == ["défg".encode(), b"bc"]


def test_null_is_no_text() -> None:
    with pytest.raises(ValueError, match="null"):
        texts_of(pa.chunked_array([pa.array(["a", None])]), np.array([0]))
