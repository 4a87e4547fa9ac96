"""History part by part: of a folder that was imported or made, or of foreign files through a mapping.

Holds a few parts at a time, and the labels that wait to be observed, not the history; `read_in_order` says of which files it must hold more.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from data_pipeline.history import files
from data_pipeline.history.check_rows import check_rows, disorder, repeats
from data_pipeline.history.convert import convert
from data_pipeline.history.map_rows import labels_of, map_rows
from data_pipeline.history.mapping import Mapping
from data_pipeline.history.read_source import BATCH_ROWS, count_rows, read_in_order
from fraud_prevention.domain.errors import HistoryUnusable
from model.features.codes import hash64
from model.features.replay import CHUNK_ROWS


@dataclass(frozen=True, slots=True)
class Part:
    """Rows of history in the order of the log, at most CHUNK_ROWS, and the labels observed by the time of the last one.

    A label is in one part only, in the order of observation, and is about a row of this part or of one before.
    """

    transactions: pa.Table
    labels: pa.Table


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


def stream_history(sources: list[Path], mapping: Mapping | None) -> Iterator[Part]:
    """The whole history with the columns of `files.HISTORY_SCHEMA` and `LABELS_SCHEMA`, checked.

    Labels that are observed after the last transaction are left out. Raises HistoryUnusable as an import of the same
    files does. Ids that are repeated across parts are found at the end, so what was made of the parts holds only when
    the iterator has ended.
    """
    rows = 0
    newest: int | None = None
    codes: list[npt.NDArray[np.uint64]] = []
    for part in _written(sources[0].parent) if mapping is None else _mapped(sources, mapping):
        table = part.transactions
        check_rows(sources[0], table, first_row=rows)
        times = table.column("event_time")
        if newest is not None and times[0].as_py() < newest:
            raise disorder(sources[0])
        newest = times[-1].as_py()
        rows += table.num_rows
        codes.append(np.array([hash64(i) for i in table.column("transaction_id").to_pylist()], np.uint64))
        yield part
    if (repeated := rows - len(np.unique(np.concatenate(codes)))) > 0:
        raise repeats(sources[0], repeated)


def _mapped(sources: list[Path], mapping: Mapping) -> Iterator[Part]:
    waiting = _Waiting()
    for rows in read_in_order(sources, mapping):
        for start in range(0, rows.num_rows, CHUNK_ROWS):
            raw = rows.slice(start, CHUNK_ROWS)
            table = map_rows(sources[0], raw, mapping)
            if mapping.labels is not None:
                is_fraud = convert(sources[0], "is_fraud", mapping.labels.is_fraud, raw, pa.bool_())
                waiting.add(labels_of(table, is_fraud, mapping.labels))
            yield Part(table, waiting.observed_by(_newest(table)))


def _written(folder: Path) -> Iterator[Part]:
    """A history as `fraud import` and `fraud generate` write it, whose labels are in the order of observation."""
    waiting = _Waiting()
    labels: Iterator[pa.Table] = iter(())
    if (told := folder / files.LABELS_FILE).is_file():
        _check_observed_in_order(told)
        labels = _batches(told, files.LABELS_SCHEMA)
    for table in _batches(folder / files.HISTORY_FILE, files.HISTORY_SCHEMA):
        until = _newest(table)
        while waiting.newest <= until and (more := next(labels, None)) is not None:
            waiting.add(more)
        yield Part(table, waiting.observed_by(until))


def _check_observed_in_order(path: Path) -> None:
    newest = -1
    for table in _batches(path, pa.schema([files.LABELS_SCHEMA.field("observed_at")])):
        times = table.column("observed_at").drop_null().to_numpy()
        if (np.diff(times, prepend=newest) < 0).any():
            cure = "make it anew with `fraud import` or `fraud generate`"
            raise HistoryUnusable(str(path), f"it is not in the order of observed_at: {cure}")
        newest = times[-1] if len(times) else newest


def _newest(table: pa.Table) -> int:
    return int(pc.max(table.column("event_time")).as_py() or 0)


def _batches(path: Path, schema: pa.Schema) -> Iterator[pa.Table]:
    try:
        with pq.ParquetFile(path) as file:
            missing = [name for name in schema.names if name not in file.schema_arrow.names]
            is_empty = schema is files.HISTORY_SCHEMA and file.metadata.num_rows == 0
            if missing or is_empty:
                reason = f"it has no column {', '.join(missing)}" if missing else "it has no rows"
                raise HistoryUnusable(str(path), f"{reason}: make it anew with `fraud import` or `fraud generate`")
            for batch in file.iter_batches(BATCH_ROWS, columns=schema.names, use_threads=False):
                yield pa.Table.from_batches([batch]).select(schema.names).cast(schema)
    except pa.ArrowInvalid as error:
        raise HistoryUnusable(str(path), f"it is no Parquet file ({error})") from error


class _Waiting:
    """Labels that nobody has observed yet."""

    def __init__(self) -> None:
        self._labels = files.LABELS_SCHEMA.empty_table()
        self.newest = -1  # when the last of all labels so far is observed, ms

    def add(self, labels: pa.Table) -> None:
        self._labels = pa.concat_tables([self._labels, labels])
        self.newest = max(self.newest, int(pc.max(labels.column("observed_at")).as_py() or -1))

    def observed_by(self, until_ms: int) -> pa.Table:
        """Take out those that are observed by then, in that order."""
        is_due = pc.less_equal(self._labels.column("observed_at"), until_ms)
        due, self._labels = self._labels.filter(is_due), self._labels.filter(pc.invert(is_due))
        return due.sort_by([("observed_at", "ascending")])
