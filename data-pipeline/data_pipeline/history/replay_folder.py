"""A folder of history through the kernel: the state that a rebuild writes, and with which whoever compares begins."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from data_pipeline.history.files import AUTHORISATIONS_FILE, HISTORY_FILE, LABELS_FILE
from fraud_prevention.domain.errors import NotFound
from model.features.replay import replay_chunks
from model.features.replay_engines import Replay
from model.features.side import side_of


def replay_folder(folder: Path, until_ms: int | None, progress: Callable[[int, int], None]) -> tuple[Replay, int]:
    """The engine after the history's events before `until_ms` (None: all of them), and how many these are.

    `progress` is told rows done and rows in all. Raises NotFound without a history.
    """
    path = folder / HISTORY_FILE
    if not path.exists():
        raise NotFound("history", f"{path}; make one with `fraud generate` or `fraud import`")
    table = pq.read_table(path)
    if until_ms is not None:
        table = table.filter(pc.less(table.column("event_time"), until_ms))
    engine = Replay()
    side = side_of(_learned(folder / LABELS_FILE, until_ms), _learned(folder / AUTHORISATIONS_FILE, until_ms))
    for _ in replay_chunks(engine, table, progress=lambda done: progress(done, table.num_rows), side=side):
        pass  # the state is wanted, not the vectors
    return engine, table.num_rows


def _learned(path: Path, until_ms: int | None) -> pa.Table | None:
    """Labels or answers of the folder that were observed in time; None where it has none."""
    if not path.exists():
        return None
    table = pq.read_table(path)
    return table if until_ms is None else table.filter(pc.less(table.column("observed_at"), until_ms))
