"""A replay of history files: their rows and what became known about them, in one order of time."""

from __future__ import annotations

import heapq
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from data_pipeline.history import files
from data_pipeline.produce.message import TIME_FIELD, Message, messages_of
from fraud_prevention.domain.errors import HistoryUnusable
from fraud_prevention.domain.topics import AUTHORISATIONS, CUSTOMER_EVENTS, LABELS, TRANSACTIONS

BATCH_ROWS = 20_000
FOREVER_MS = 1 << 60
BESIDE = {
    AUTHORISATIONS: files.AUTHORISATIONS_FILE,
    CUSTOMER_EVENTS: files.CUSTOMER_EVENTS_FILE,
    LABELS: files.LABELS_FILE,
}


@dataclass(frozen=True, slots=True)
class Span:
    """Start ≤ time < end, ms since 1970 UTC."""

    start_ms: int
    end_ms: int


def replay_messages(history: Path, span: Span, is_alone: bool = False) -> Iterator[Message]:
    """Rows of a history file within the span, merged with the files beside it by when each was known.

    `history` is a Parquet file with the columns of transactions.v1 in log order. Labels, authorisations and
    customer events are read from its folder where they are, unless `is_alone`. Raises HistoryUnusable for a
    file that is missing or has other columns.
    """
    sources = [_read(history, TRANSACTIONS, files.HISTORY_SCHEMA, span)]
    if not is_alone:
        for topic, name in BESIDE.items():
            if (history.parent / name).exists():
                sources.append(_read(history.parent / name, topic, files.SCHEMAS[name], span))
    return heapq.merge(*sources, key=lambda message: message.at_ms)


def first_time_ms(history: Path) -> int:
    """Time of the first row. Raises HistoryUnusable for a file without rows."""
    for batch in _open(history, files.HISTORY_SCHEMA).iter_batches(1, columns=["event_time"]):
        return int(batch.column("event_time")[0].as_py())
    raise HistoryUnusable(str(history), "it has no rows")


def _open(path: Path, schema: pa.Schema) -> pq.ParquetFile:
    if not path.is_file():
        raise HistoryUnusable(str(path), "there is no such file")
    try:
        file = pq.ParquetFile(path)
    except pa.ArrowInvalid as error:
        raise HistoryUnusable(str(path), "it is no Parquet file; bring it in with `fraud import`") from error
    missing = [name for name in schema.names if name not in file.schema_arrow.names]
    if missing:
        raise HistoryUnusable(
            str(path), f"it lacks the columns {', '.join(missing)}; bring it in with `fraud import --mapping FILE`"
        )
    return file


def _read(path: Path, topic: str, schema: pa.Schema, span: Span) -> Iterator[Message]:
    """Rows of the span; the file is in the order of its time, so reading ends where the span does."""
    time_field = TIME_FIELD[topic]
    for batch in _open(path, schema).iter_batches(BATCH_ROWS, columns=schema.names):
        table = pa.Table.from_batches([batch])
        times = table.column(time_field)
        if len(times) == 0 or times[-1].as_py() < span.start_ms:
            continue
        if times[0].as_py() >= span.end_ms:
            return
        is_within = pc.and_(pc.greater_equal(times, span.start_ms), pc.less(times, span.end_ms))
        for message in messages_of(topic, table.filter(is_within)):
            if topic == CUSTOMER_EVENTS:
                message.payload["detail"] = json.loads(message.payload["detail"])
            yield message
