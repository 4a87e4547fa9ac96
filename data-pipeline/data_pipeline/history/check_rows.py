"""Checks a whole table of transactions by column; the parser of the domain then says what is wrong with a row."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from data_pipeline.contract.load import load_schema
from fraud_prevention.domain.errors import HistoryUnusable, InvalidTransaction
from fraud_prevention.domain.transaction import TimeBounds, parse_transaction

_ANY_TIME: Final = TimeBounds(max_future_ms=0, max_age_ms=0, is_enforced=False)


def check_rows(source: Path, history: pa.Table, first_row: int = 0) -> None:
    """Raise HistoryUnusable where a row breaks transactions.v1, an id is repeated, or the order is not that of time.

    `first_row` is the number that the first row goes by, where the table is a part of the history.
    """
    bad = np.zeros(history.num_rows, dtype=bool)
    schema = load_schema("transactions.v1")
    for name, spec in schema["properties"].items():
        bad |= _breaks(history.column(name), spec, name in schema["required"])
    if bad.any():
        first = int(np.flatnonzero(bad)[0])
        raise HistoryUnusable(
            str(source),
            f"{int(bad.sum())} of {len(bad)} rows break the contract; row {first_row + first}: {_why(history, first)}",
        )
    ids = history.column("transaction_id")
    if (repeated := len(ids) - len(ids.unique())) > 0:
        raise repeats(source, repeated)
    times = history.column("event_time").to_numpy()
    if (np.diff(times) < 0).any():
        raise disorder(source)


def repeats(source: Path, rows: int) -> HistoryUnusable:
    """The error of rows that repeat an id."""
    return HistoryUnusable(str(source), f"{rows} rows repeat a transaction_id: map it to a column that is unique")


def disorder(source: Path) -> HistoryUnusable:
    """The error of rows that are older than the one before."""
    return HistoryUnusable(str(source), "rows are not in the order of event_time: begin `order` with the time column")


def _breaks(column: pa.ChunkedArray, spec: dict[str, Any], is_required: bool) -> npt.NDArray[np.bool_]:
    """Where a column's values break the JSON Schema of their field; types are right by construction."""
    is_null = pc.is_null(column).to_numpy()
    wrong = np.zeros(len(column), dtype=bool)
    if "pattern" in spec:
        wrong = ~_filled(pc.match_substring_regex(column, spec["pattern"].replace("$", r"\z")))
    elif "enum" in spec:
        wrong = ~_filled(pc.is_in(column, pa.array([v for v in spec["enum"] if v is not None])))
    elif "minimum" in spec:
        inside = pc.and_(pc.greater_equal(column, spec["minimum"]), pc.less_equal(column, spec["maximum"]))
        wrong = ~_filled(inside)
    return np.asarray(np.where(is_null, is_required, wrong))


def _filled(mask: Any) -> npt.NDArray[np.bool_]:
    return np.asarray(pc.fill_null(mask, False).to_numpy())


def _why(history: pa.Table, row: int) -> str:
    payload = {name: value for name, value in history.slice(row, 1).to_pylist()[0].items() if value is not None}
    try:
        parse_transaction(payload, 0, _ANY_TIME)
    except InvalidTransaction as refused:
        return str(refused)
    return "amount_base_minor: is required"
