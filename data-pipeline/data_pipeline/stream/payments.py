"""Columns of a batch as rules and decision records want them, without a copy of the text."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fraud_prevention.policy.assemble import INTEGERS, TEXTS, Payments
from fraud_prevention.policy.expressions import Coded, Column, Kind
from fraud_prevention.policy.json_rows import Texts
from fraud_prevention.policy.vocabulary import TRANSACTION_KINDS


def payments_of_table(table: pa.Table, rows: NDArray[np.intp], wire: Callable[[int], bytes]) -> Payments:
    """Some rows of a table with the columns of transactions.v1, none of them null in what a decision repeats.

    `wire` gives the payload of a row of the table.
    """
    return Payments(
        {name: texts_of(table.column(name), rows) for name in TEXTS},
        {name: table.column(name).to_numpy()[rows] for name in INTEGERS},
        lambda row: wire(int(rows[row])),
    )


def columns_of_table(table: pa.Table, rows: NDArray[np.intp], names: Sequence[str]) -> dict[str, Column]:
    """Some rows of the named columns, as `evaluate` wants them: each distinct text once."""
    found: dict[str, Column] = {}
    for name in names:
        if TRANSACTION_KINDS[name] is Kind.TEXT:
            whole = pc.dictionary_encode(_in_one(table.column(name)), null_encoding="encode")
            codes = whole.indices.to_numpy(zero_copy_only=False)
            found[name] = Coded(whole.dictionary.to_pylist(), codes[rows])
        else:
            found[name] = table.column(name).to_numpy()[rows].astype(np.float64)
    return found


def texts_of(column: pa.ChunkedArray, rows: NDArray[np.intp]) -> Texts:
    """Some rows of a string column. Raises ValueError where the column has a null."""
    if column.null_count:
        raise ValueError("a text is null")
    whole = _in_one(column)
    _, bounds, data = whole.buffers()
    if not len(whole):
        return Texts(np.zeros(0, np.uint8), np.zeros(0, np.int64), np.zeros(0, np.int64))
    places = np.frombuffer(bounds, np.int32)[whole.offset : whole.offset + len(whole) + 1].astype(np.int64)
    text = np.zeros(0, np.uint8) if data is None else np.frombuffer(data, np.uint8)
    return Texts(text, places[:-1][rows], places[1:][rows])


def _in_one(column: pa.ChunkedArray) -> pa.Array:
    whole = column.combine_chunks()
    if isinstance(whole, pa.ChunkedArray):
        whole = pa.concat_arrays(whole.chunks) if whole.num_chunks else pa.array([], column.type)
    return whole.cast(pa.string())
