"""History table by table: of a folder that was imported or made, or of foreign files through a mapping.

Holds a few tables at a time, not the history; `read_in_order` says of which files it must hold more.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from data_pipeline.history import files
from data_pipeline.history.check_rows import check_rows, disorder, repeats
from data_pipeline.history.map_rows import map_rows
from data_pipeline.history.mapping import Mapping
from data_pipeline.history.read_source import BATCH_ROWS, count_rows, read_in_order
from fraud_prevention.domain.errors import HistoryUnusable
from model.features.codes import hash64


def source_files(source: Path, *, is_mapped: bool) -> list[Path]:
    """What there is to read: the history of a folder without a mapping, else the file, or the Parquet files of a folder.

    Raises HistoryUnusable with the cure where it is nothing, or only a mapping can say what it is.
    """
    history = source / files.HISTORY_FILE
    if not is_mapped:
        if history.is_file():
            return [history]
        raise HistoryUnusable(
            str(source), f"it is no folder with a {files.HISTORY_FILE}: say what its columns are with `--mapping`"
        )
    if history.is_file():
        raise HistoryUnusable(str(source), "it is a folder of history, mapped already: leave `--mapping` out")
    if not source.is_dir():
        return [source]
    found = sorted(source.glob("*.parquet"))
    if not found:
        raise HistoryUnusable(str(source), "the folder has no *.parquet: name the file itself, or another folder")
    return found


def rows_of(sources: list[Path]) -> int | None:
    """How many rows there will be, where the files say so without being read."""
    try:
        return count_rows(sources)
    except (OSError, pa.ArrowInvalid):  # reading will say what is wrong, and how to mend it
        return None


def stream_history(sources: list[Path], mapping: Mapping | None) -> Iterator[pa.Table]:
    """The whole history with the columns of `files.HISTORY_SCHEMA`, checked, in the order of the log.

    Raises HistoryUnusable as an import of the same files does. Ids that are repeated across tables are found at the
    end, so what was made of the tables holds only when the iterator has ended.
    """
    rows = 0
    newest: int | None = None
    codes: list[np.ndarray[tuple[int], np.dtype[np.uint64]]] = []
    tables = _written(sources[0]) if mapping is None else _mapped(sources, mapping)
    for table in tables:
        check_rows(sources[0], table, first_row=rows)
        times = table.column("event_time")
        if newest is not None and times[0].as_py() < newest:
            raise disorder(sources[0])
        newest = times[-1].as_py()
        rows += table.num_rows
        codes.append(np.array([hash64(i) for i in table.column("transaction_id").to_pylist()], np.uint64))
        yield table
    if (repeated := rows - len(np.unique(np.concatenate(codes)))) > 0:
        raise repeats(sources[0], repeated)


def _mapped(sources: list[Path], mapping: Mapping) -> Iterator[pa.Table]:
    for raw in read_in_order(sources, mapping):
        yield map_rows(sources[0], raw, mapping)


def _written(history: Path) -> Iterator[pa.Table]:
    """A history as `fraud import` and `fraud generate` write it."""
    try:
        with pq.ParquetFile(history) as file:
            missing = [name for name in files.HISTORY_SCHEMA.names if name not in file.schema_arrow.names]
            if missing or file.metadata.num_rows == 0:
                reason = f"it has no column {', '.join(missing)}" if missing else "it has no rows"
                raise HistoryUnusable(str(history), f"{reason}: make it anew with `fraud import` or `fraud generate`")
            for batch in file.iter_batches(BATCH_ROWS, columns=files.HISTORY_SCHEMA.names, use_threads=False):
                yield pa.Table.from_batches([batch]).select(files.HISTORY_SCHEMA.names).cast(files.HISTORY_SCHEMA)
    except pa.ArrowInvalid as error:
        raise HistoryUnusable(str(history), f"it is no Parquet file ({error})") from error
