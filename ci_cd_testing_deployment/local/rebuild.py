"""Feature state from history: replay through the kernel, then into Redis."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq

from config import RedisSettings
from data_pipeline.history.files import HISTORY_FILE
from fraud_prevention.domain.errors import NotFound
from model.features.engine import Replay
from model.features.replay import replay_chunks
from storage_security.redis.state_store import RedisStateStore, connect


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What a rebuild put in place."""

    customers: int
    events: int


def rebuild_from_history(
    folder: Path, redis: RedisSettings, until_ms: int | None, progress: Callable[[int, int], None]
) -> Rebuilt:
    """Replace all feature state by that of the history's events before `until_ms` (None: all of them).

    `progress` is told rows done and rows in all. Raises NotFound without a history, Unavailable without Redis.
    """
    path = folder / HISTORY_FILE
    if not path.exists():
        raise NotFound("history", f"{path}; make one with `fraud generate` or `fraud import`")
    table = pq.read_table(path)
    if until_ms is not None:
        table = table.filter(pc.less(table.column("event_time"), until_ms))
    store = RedisStateStore(connect(redis))
    store.ping()
    engine = Replay()
    for _ in replay_chunks(engine, table, progress=lambda done: progress(done, table.num_rows)):
        pass  # the state is wanted, not the vectors
    store.clear()
    return Rebuilt(store.load(engine.records().items()), table.num_rows)
