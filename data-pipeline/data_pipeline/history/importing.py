"""Brings a file of any shape in as history: mapped, put in order, checked against the contract, written."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from data_pipeline.history import files
from data_pipeline.history.base_amount import to_base_minor
from data_pipeline.history.check_rows import check_rows
from data_pipeline.history.convert import convert
from data_pipeline.history.mapping import Labels, Mapping, load_mapping
from fraud_prevention.domain.errors import HistoryUnusable
from fraud_prevention.domain.reference import RATES_PER_EUR, minor_digits

DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class Imported:
    """Counts and the span (ms) of what was written."""

    transactions: int
    labels: int
    frauds: int
    first_event_time: int
    last_event_time: int


def import_history(source: Path, mapping_file: Path, directory: Path) -> Imported:
    """Map a CSV or Parquet file to history.parquet, and labels.parquet and truth.parquet where it holds them.

    The whole file is held in memory, about 300 bytes a row. Raises HistoryUnusable: it names the column that is
    missing, or the first row that breaks the contract and how many more do. Nothing is touched then; else nothing
    that the folder held before stays, be it of another import or of a world.
    """
    mapping = load_mapping(mapping_file)
    raw = _read(source, mapping)
    raw = raw.sort_by([(name, "ascending") for name in mapping.order])
    history = _history(source, raw, mapping)
    check_rows(source, history)
    beside = {} if mapping.labels is None else _known(source, raw, history, mapping, mapping.labels)
    # The history comes last: a folder that has one is complete.
    _replace(directory, {**beside, files.HISTORY_FILE: history})
    labels = beside[files.LABELS_FILE].num_rows if beside else 0
    frauds = int(pc.sum(beside[files.TRUTH_FILE].column("is_fraud")).as_py() or 0) if beside else 0
    times = history.column("event_time")
    return Imported(history.num_rows, labels, frauds, times[0].as_py(), times[-1].as_py())


def _read(source: Path, mapping: Mapping) -> pa.Table:
    if not source.is_file():
        raise HistoryUnusable(str(source), "there is no such file")
    try:
        is_csv = source.suffix.lower() in {".csv", ".txt", ".tsv", ".gz"}
        columns = _csv_columns(source) if is_csv else pq.read_schema(source).names
    except pa.ArrowInvalid as error:
        raise HistoryUnusable(str(source), f"it is neither CSV nor Parquet: {error}") from error
    missing = [name for name in mapping.sources() if name not in columns]
    if missing:
        raise HistoryUnusable(
            str(source),
            f"it has no column {', '.join(missing)}, which the mapping names; its columns are {', '.join(columns)}. "
            "Change `from` (or `order`) in the mapping file, or give a `constant`",
        )
    if not is_csv:
        table = pq.read_table(source, columns=mapping.sources())
    else:
        options = pacsv.ConvertOptions(include_columns=mapping.sources(), strings_can_be_null=True)
        table = pacsv.read_csv(source, parse_options=_csv_shape(source), convert_options=options)
    if table.num_rows == 0:
        raise HistoryUnusable(str(source), "it has no rows")
    return table


def _csv_shape(source: Path) -> pacsv.ParseOptions:
    return pacsv.ParseOptions(delimiter="\t" if ".tsv" in source.suffixes else ",")


def _csv_columns(source: Path) -> list[str]:
    with pacsv.open_csv(source, parse_options=_csv_shape(source)) as reader:
        return list(reader.schema.names)


def _history(source: Path, raw: pa.Table, mapping: Mapping) -> pa.Table:
    columns: dict[str, Any] = {}
    for field in files.HISTORY_SCHEMA:
        if field.name in mapping.columns:
            columns[field.name] = convert(source, field.name, mapping.columns[field.name], raw, field.type)
        else:
            columns[field.name] = pa.nulls(raw.num_rows, field.type)
    if "amount_base_minor" not in mapping.columns:
        columns["amount_base_minor"] = _base_amounts(source, columns["amount_minor"], columns["currency"])
    return pa.table(columns, schema=files.HISTORY_SCHEMA)


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


def _known(source: Path, raw: pa.Table, history: pa.Table, mapping: Mapping, labels: Labels) -> dict[str, pa.Table]:
    """The tables beside the history, by the names of their files."""
    is_fraud = convert(source, "is_fraud", labels.is_fraud, raw, pa.bool_())
    return {
        files.LABELS_FILE: _labels(history, is_fraud, labels),
        files.TRUTH_FILE: _truth(source, raw, history, is_fraud, mapping),
    }


def _labels(history: pa.Table, is_fraud: Any, labels: Labels) -> pa.Table:
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


def _truth(source: Path, raw: pa.Table, history: pa.Table, is_fraud: Any, mapping: Mapping) -> pa.Table:
    scenario = (
        convert(source, "scenario", mapping.truth.scenario, raw, pa.string())
        if mapping.truth is not None
        else pc.if_else(is_fraud, "fraud", "none")
    )
    return pa.table(
        {"transaction_id": history.column("transaction_id"), "is_fraud": is_fraud, "scenario": scenario},
        schema=files.TRUTH_SCHEMA,
    )


def _replace(directory: Path, tables: dict[str, pa.Table]) -> None:
    """Let the folder hold these tables, written in this order, and no other file of a history."""
    directory.mkdir(parents=True, exist_ok=True)
    for name in files.FOLDER:  # the history first: a folder whose import was cut short does not look complete
        (directory / name).unlink(missing_ok=True)
    for name, table in tables.items():
        _write(directory, name, table)


def _write(directory: Path, name: str, table: pa.Table) -> None:
    part = files.part_path(directory / name)
    pq.write_table(table, part, compression="zstd", row_group_size=100_000)
    part.replace(directory / name)
