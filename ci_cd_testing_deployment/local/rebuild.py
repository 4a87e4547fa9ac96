"""Feature state from history: replay through the kernel, then into Redis."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from config import RedisSettings
from data_pipeline.history.files import AUTHORISATIONS_FILE, HISTORY_FILE, LABELS_FILE
from fraud_prevention.domain.errors import NotFound
from model.features.replay import replay_chunks
from model.features.replay_engines import Replay
from model.features.side import side_of
from storage_security.redis.customer_store import RedisCustomerStore, customer_keys
from storage_security.redis.entity_store import RedisEntityStore, entity_keys
from storage_security.redis.state_store import RedisStateStore, connect


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What a rebuild put in place."""

    customers: int
    shared: int  # merchants, terminals, devices and networks
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
    client = connect(redis)
    store = RedisStateStore(client)
    store.ping()
    engine = Replay()
    side = side_of(_learned(folder / LABELS_FILE, until_ms), _learned(folder / AUTHORISATIONS_FILE, until_ms))
    for _ in replay_chunks(engine, table, progress=lambda done: progress(done, table.num_rows), side=side):
        pass  # the state is wanted, not the vectors
    store.clear()
    codes, kinds, blobs = engine.shared_records()
    shared = RedisEntityStore(client).load(entity_keys(codes, kinds), blobs)
    records = engine.records()
    customers = RedisCustomerStore(client).load(customer_keys(list(records)), records.values())
    return Rebuilt(customers, shared, table.num_rows)


def _learned(path: Path, until_ms: int | None) -> pa.Table | None:
    """Labels or answers of the folder that were observed in time; None where it has none."""
    if not path.exists():
        return None
    table = pq.read_table(path)
    return table if until_ms is None else table.filter(pc.less(table.column("observed_at"), until_ms))
