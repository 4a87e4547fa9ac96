"""Rows of a foreign file as rows of history and as labels, by a mapping."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from data_pipeline.history import files
from data_pipeline.history.base_amount import to_base_minor
from data_pipeline.history.convert import convert
from data_pipeline.history.mapping import Labels, Mapping
from fraud_prevention.domain.errors import HistoryUnusable
from fraud_prevention.domain.reference import RATES_PER_EUR, minor_digits

DAY_MS = 86_400_000


def map_rows(source: Path, raw: pa.Table, mapping: Mapping) -> pa.Table:
    """The rows of `raw`, in their order, with the columns of history. Raises HistoryUnusable, which names the column."""
    columns: dict[str, Any] = {}
    for field in files.HISTORY_SCHEMA:
        if field.name in mapping.columns:
            columns[field.name] = convert(source, field.name, mapping.columns[field.name], raw, field.type)
        else:
            columns[field.name] = pa.nulls(raw.num_rows, field.type)
    if "amount_base_minor" not in mapping.columns:
        columns["amount_base_minor"] = _base_amounts(source, columns["amount_minor"], columns["currency"])
    return pa.table(columns, schema=files.HISTORY_SCHEMA)


def labels_of(history: pa.Table, is_fraud: Any, labels: Labels) -> pa.Table:
    """One label a row (or a fraud), in the order in which they are observed; a row without a value has none."""
    is_told = pc.fill_null(is_fraud, False) if labels.include == "fraud" else pc.is_valid(is_fraud)
    about, verdicts = history.filter(is_told), is_fraud.filter(is_told)
    n = about.num_rows
    delay_ms = int(labels.observed_after_days * DAY_MS)
    return pa.table(
        {
            "label_id": pc.binary_join_element_wise("lb", about.column("transaction_id"), "-"),
            **{name: about.column(name) for name in ("transaction_id", "customer_id", "merchant_id", "terminal_id")},
            "event_time": about.column("event_time"),
            "is_fraud": verdicts,
            "source": pa.array([labels.source] * n),
            "observed_at": pc.add(about.column("event_time"), delay_ms),
            "confidence": pa.array(np.full(n, labels.confidence)),
        },
        schema=files.LABELS_SCHEMA,
    )


def _base_amounts(source: Path, amounts: Any, currencies: Any) -> Any:
    """Amounts by the dated reference rates."""
    minor = amounts.to_numpy().astype(np.int64)
    base = np.zeros(len(minor), dtype=np.int64)
    for currency in currencies.unique().to_pylist():
        rate = RATES_PER_EUR.get(currency)
        if rate is None:
            raise HistoryUnusable(
                str(source), f"there is no reference rate for {currency}; map a column to amount_base_minor"
            )
        rows = pc.equal(currencies, currency).to_numpy()
        base[rows] = to_base_minor(minor[rows], 10 ** minor_digits(currency), rate)
    return pa.array(base)
