"""Reads the columns of a CSV or Parquet file that a mapping names: whole, or in the order of the log bit by bit."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from data_pipeline.history.mapping import Mapping
from fraud_prevention.domain.errors import HistoryUnusable

BATCH_ROWS: Final = 100_000
_CSV: Final = frozenset({".csv", ".txt", ".tsv", ".gz"})


def read_whole(source: Path, mapping: Mapping) -> pa.Table:
    """All rows, in the order of the file. Raises HistoryUnusable where a column is missing, or there are no rows."""
    _check_columns(source, mapping)
    if not _is_csv(source):
        table = pq.read_table(source, columns=mapping.sources())
    else:
        options = pacsv.ConvertOptions(include_columns=mapping.sources(), strings_can_be_null=True)
        table = pacsv.read_csv(source, parse_options=_csv_shape(source), convert_options=options)
    if table.num_rows == 0:
        raise HistoryUnusable(str(source), "it has no rows")
    return table


def in_order(raw: pa.Table, mapping: Mapping) -> pa.Table:
    """The rows in the order of the log; those that are equal there keep their order."""
    return raw.sort_by([(name, "ascending") for name in mapping.order])


def count_rows(sources: list[Path]) -> int | None:
    """Rows of Parquet files; None where there is a CSV file, which must be read to be counted."""
    if any(_is_csv(source) for source in sources):
        return None
    return sum(int(pq.read_metadata(source).num_rows) for source in sources)


def read_in_order(sources: list[Path], mapping: Mapping) -> Iterator[pa.Table]:
    """The rows of all files in the order of the log, as `in_order` gives them, in tables of any size.

    Several files are all Parquet. Of them it holds the rows that a later one may still overtake, and a batch: little
    of files that are nearly in order, everything of those that are not. A CSV file is held whole. Raises
    HistoryUnusable before the first table where a column is missing or there are no rows.
    """
    for source in sources:
        _check_columns(source, mapping)
    rows_in_all = count_rows(sources)
    if rows_in_all is None:
        yield in_order(read_whole(sources[0], mapping), mapping)
        return
    _check_types(sources, mapping)
    if rows_in_all == 0:
        raise HistoryUnusable(str(sources[0]), "it has no rows")
    leading = mapping.order[0]
    smallest = [pc.min(batch.column(leading)) for batch in _batches(sources, [leading])]
    held: list[pa.Table] = []
    least_held: Any = None
    for batch, own, least in zip(_batches(sources, mapping.sources()), smallest, _least_later(smallest), strict=True):
        held.append(batch)
        least_held = _lesser(least_held, own)
        if not _is_less(least_held, least):
            continue
        rows = pa.concat_tables(held)
        is_settled = pc.fill_null(pc.less(rows.column(leading), least), False)
        held = [rows.filter(pc.invert(is_settled))]
        least_held = _lesser(None, pc.min(held[0].column(leading)))
        yield in_order(rows.filter(is_settled), mapping)
    yield in_order(pa.concat_tables(held), mapping)


def _least_later(smallest: list[Any]) -> list[Any]:
    """For the smallest value of each batch, the smallest one of all batches after it; None where there is none."""
    found: list[Any] = []
    least: Any = None
    for own in reversed(smallest):
        found.append(least)
        least = _lesser(least, own)
    return found[::-1]


def _is_less(left: Any, right: Any) -> bool:
    """Of scalars; blanks, which come last, are less than nothing."""
    return left is not None and right is not None and bool(pc.less(left, right).as_py())


def _lesser(least: Any, own: Any) -> Any:
    """The lesser of a scalar or None and one that may be blank."""
    return own if own.is_valid and (least is None or _is_less(own, least)) else least


def _batches(sources: list[Path], columns: list[str]) -> Iterator[pa.Table]:
    for source in sources:
        with pq.ParquetFile(source) as file:
            for batch in file.iter_batches(BATCH_ROWS, columns=columns, use_threads=False):
                yield pa.table(dict(zip(columns, batch.select(columns).columns, strict=True)))


def _check_columns(source: Path, mapping: Mapping) -> None:
    if not source.is_file():
        raise HistoryUnusable(str(source), "there is no such file")
    try:
        columns = _csv_columns(source) if _is_csv(source) else pq.read_schema(source).names
    except pa.ArrowInvalid as error:
        raise HistoryUnusable(str(source), f"it is neither CSV nor Parquet: {error}") from error
    missing = [name for name in mapping.sources() if name not in columns]
    if missing:
        raise HistoryUnusable(
            str(source),
            f"it has no column {', '.join(missing)}, which the mapping names; its columns are {', '.join(columns)}. "
            "Change `from` (or `order`) in the mapping file, or give a `constant`",
        )


def _check_types(sources: list[Path], mapping: Mapping) -> None:
    first, *others = [pq.read_schema(source) for source in sources]
    for source, schema in zip(sources[1:], others, strict=True):
        for name in mapping.sources():
            here, there = schema.field(name).type, first.field(name).type
            if here != there:
                reason = f"its column {name} holds {here}, in {sources[0]} it holds {there}: write both with one type"
                raise HistoryUnusable(str(source), reason)


def _is_csv(source: Path) -> bool:
    return source.suffix.lower() in _CSV


def _csv_shape(source: Path) -> pacsv.ParseOptions:
    return pacsv.ParseOptions(delimiter="\t" if ".tsv" in source.suffixes else ",")


def _csv_columns(source: Path) -> list[str]:
    with pacsv.open_csv(source, parse_options=_csv_shape(source)) as reader:
        return list(reader.schema.names)
