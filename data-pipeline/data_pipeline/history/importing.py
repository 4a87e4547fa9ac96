"""Brings a file of any shape in as history: mapped, put in order, checked against the contract, written."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from data_pipeline.history import files
from data_pipeline.history.check_rows import check_rows
from data_pipeline.history.convert import convert
from data_pipeline.history.map_rows import labels_of, map_rows
from data_pipeline.history.mapping import Labels, Mapping, load_mapping
from data_pipeline.history.read_source import in_order, read_whole


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
    raw = in_order(read_whole(source, mapping), mapping)
    history = map_rows(source, raw, mapping)
    check_rows(source, history)
    beside = {} if mapping.labels is None else _known(source, raw, history, mapping, mapping.labels)
    # The history comes last: a folder that has one is complete.
    _replace(directory, {**beside, files.HISTORY_FILE: history})
    labels = beside[files.LABELS_FILE].num_rows if beside else 0
    frauds = int(pc.sum(beside[files.TRUTH_FILE].column("is_fraud")).as_py() or 0) if beside else 0
    times = history.column("event_time")
    return Imported(history.num_rows, labels, frauds, times[0].as_py(), times[-1].as_py())


def _known(source: Path, raw: pa.Table, history: pa.Table, mapping: Mapping, labels: Labels) -> dict[str, pa.Table]:
    """The tables beside the history, by the names of their files."""
    is_fraud = convert(source, "is_fraud", labels.is_fraud, raw, pa.bool_())
    return {
        files.LABELS_FILE: labels_of(history, is_fraud, labels),
        files.TRUTH_FILE: _truth(source, raw, history, is_fraud, mapping),
    }


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
