"""One column of a mapping, applied: constants, renames, padding, scaling, values and times."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from data_pipeline.history.mapping import Column
from fraud_prevention.domain.errors import HistoryUnusable

_UNIT_MS: Final = {"s": (1_000, 1), "ms": (1, 1), "us": (1, 1_000), "ns": (1, 1_000_000)}
_TIMES: Final = frozenset({"event_time"})


def convert(source: Path, name: str, column: Column, raw: pa.Table, wanted: pa.DataType) -> Any:
    """The column `name` of type `wanted`, one value a row of `raw`. Raises HistoryUnusable, which says why not."""
    try:
        if column.source is None:
            return pa.chunked_array([pa.array([column.constant] * raw.num_rows).cast(wanted)])
        values = raw.column(column.source)
        if column.values is not None:
            values = _translated(values, column.values)
        if name in _TIMES:
            return _milliseconds(values, column.time).cast(wanted)
        if column.scale is not None:
            values = _scaled(values, column.scale)
        if pa.types.is_string(wanted):
            values = _text(values, column)
        return values.cast(wanted)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, ValueError) as error:
        origin = f"the constant {column.constant!r}" if column.source is None else f"column {column.source}"
        raise HistoryUnusable(str(source), f"{name} cannot be made of {origin}: {error}") from error


def _translated(values: Any, table: dict[str, Any]) -> Any:
    text = values.cast(pa.string()).to_pylist()
    unknown = sorted({value for value in text if value is not None} - table.keys())
    if unknown:
        raise ValueError(f"`values` says nothing of {', '.join(unknown[:5])}")
    return pa.chunked_array([pa.array([None if value is None else table[value] for value in text])])


def _milliseconds(values: Any, form: str | None) -> Any:
    """Moments in ms since 1970; without a zone they are UTC."""
    if pa.types.is_timestamp(values.type):
        return values.cast(pa.timestamp("ms", values.type.tz), safe=False).cast(pa.int64())
    if form is None:
        raise ValueError("say how it tells the time: `time:` is s, ms, us, ns or a format such as '%Y-%m-%d %H:%M:%S'")
    if form in _UNIT_MS:
        factor, divisor = _UNIT_MS[form]
        # Whole numbers stay whole: float64 cannot tell nanoseconds of this century apart.
        numbers = values.cast(pa.int64() if pa.types.is_integer(values.type) else pa.float64())
        return pc.cast(pc.divide(pc.multiply_checked(numbers, factor), divisor), pa.int64(), safe=False)
    return pc.strptime(values.cast(pa.string()), format=form, unit="ms").cast(pa.int64())


def _scaled(values: Any, scale: float) -> Any:
    """Whole numbers, half away from zero: 44.64 euros are 4464 cents, whatever binary fractions say."""
    product = values.cast(pa.float64()).to_numpy() * scale
    if not np.isfinite(product).all():
        raise ValueError("it has missing values or numbers that are none")
    return pa.chunked_array([pa.array((np.sign(product) * np.floor(np.abs(product) + 0.5)).astype(np.int64))])


def _text(values: Any, column: Column) -> Any:
    if column.digits is not None:
        values = pc.utf8_lpad(values.cast(pa.int64()).cast(pa.string()), width=column.digits, padding="0")
    text = values.cast(pa.string())
    return pc.binary_join_element_wise(column.prefix, text, "") if column.prefix else text
