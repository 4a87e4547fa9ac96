"""Feature state from history: replay through the kernel, then into Redis."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from config import RedisSettings
from data_pipeline.history.replay_folder import replay_folder
from storage_security.redis.client import connect
from storage_security.redis.customer_store import RedisCustomerStore, customer_keys
from storage_security.redis.entity_store import RedisEntityStore, entity_keys
from storage_security.redis.state_store import RedisStateStore


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
    client = connect(redis)
    store = RedisStateStore(client)
    store.ping()
    engine, events = replay_folder(folder, until_ms, progress)
    store.clear()
    codes, kinds, blobs = engine.shared_records()
    shared = RedisEntityStore(client).load(entity_keys(codes, kinds), blobs)
    records = engine.records()
    customers = RedisCustomerStore(client).load(customer_keys(list(records)), records.values())
    return Rebuilt(customers, shared, events)
