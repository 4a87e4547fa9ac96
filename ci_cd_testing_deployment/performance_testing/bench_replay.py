"""`make bench-replay`: history through the feature kernel on one core; one JSON line last."""

from __future__ import annotations

import json
import os
import time
from typing import TYPE_CHECKING, Annotated, Final

import typer

from config import CACHE_DIR

if TYPE_CHECKING:
    import pyarrow as pa


_BATCH: Final = 100_000  # as a plan of the stream


def bench(events: Annotated[int, typer.Option(min=1_000, help="Events to replay at most.")] = 500_000) -> None:
    """Replay a synthetic history; print events per CPU-second of the whole, and of the two compiled parts alone."""
    import pyarrow.parquet as pq

    from ci_cd_testing_deployment.performance_testing.world import bench_world
    from model.features.catalogue import FEATURE_COUNT
    from model.features.replay import replay

    table = pq.read_table(bench_world(CACHE_DIR) / "history.parquet").slice(0, events)
    replay(table.slice(0, 1_000))  # loads the compiled loops
    began = time.process_time()
    vectors = replay(table)
    cpu_s = time.process_time() - began
    kernel_s, shared_s = _compiled_parts(table)
    found = {
        "events": len(vectors),
        "events_per_cpu_s": round(len(vectors) / cpu_s),
        "kernel_events_per_cpu_s": round(len(vectors) / kernel_s),
        "shared_events_per_cpu_s": round(len(vectors) / shared_s),
        "features": FEATURE_COUNT,
        "load_1m": round(os.getloadavg()[0], 1),
    }
    typer.echo(json.dumps(found))


def _compiled_parts(table: pa.Table) -> tuple[float, float]:
    """CPU seconds of the kernel (customers and cards, records laid out and packed), and of the shared entities."""
    import numpy as np

    from model.features import kernel
    from model.features.codes import encode_table, entity_codes, index_customers
    from model.features.engine import BatchSpan, compute_batch
    from model.features.entities.merge import meetings_of
    from model.features.replay_engines import NO_REPORTS, EntityReplay

    records: dict[str, bytes] = {}
    shared = EntityReplay()
    kernel_s = shared_s = 0.0
    for start in range(0, table.num_rows, _BATCH):
        part = table.slice(start, _BATCH)
        end = start + part.num_rows
        customers, names = index_customers(part)
        events, entities = encode_table(part, np.arange(start, end)), entity_codes(part)
        held = [records.get(name) for name in names]
        began = time.process_time()
        computed, after = compute_batch(events, customers, names, held, BatchSpan(0, 0, start, end, start))
        between = time.process_time()
        shared.add(meetings_of(events, entities, computed.explained, computed.status == kernel.NEW), NO_REPORTS)
        shared_s += time.process_time() - between
        kernel_s += between - began
        records.update(zip(names, after, strict=True))
    return kernel_s, shared_s


if __name__ == "__main__":
    typer.run(bench)
