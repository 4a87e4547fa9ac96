"""`make bench-replay`: history through the feature kernel on one core; one JSON line last."""

from __future__ import annotations

import json
import os
import time
from typing import Annotated

import typer

from config import CACHE_DIR


def bench(events: Annotated[int, typer.Option(min=1_000, help="Events to replay at most.")] = 500_000) -> None:
    """Replay a synthetic history and print events per CPU-second."""
    import pyarrow.parquet as pq

    from ci_cd_testing_deployment.performance_testing.world import bench_world
    from model.features.catalogue import FEATURE_COUNT
    from model.features.replay import replay

    table = pq.read_table(bench_world(CACHE_DIR) / "history.parquet").slice(0, events)
    replay(table.slice(0, 1_000))  # loads the compiled loops
    began, wall = time.process_time(), time.perf_counter()
    vectors = replay(table)
    cpu_s, wall_s = time.process_time() - began, time.perf_counter() - wall
    typer.echo(
        f"{len(vectors):,} vectors of {FEATURE_COUNT} features in {wall_s:.1f} s, {cpu_s:.1f} s of CPU", err=True
    )
    found = {
        "events": len(vectors),
        "events_per_cpu_s": round(len(vectors) / cpu_s),
        "features": FEATURE_COUNT,
        "load_1m": round(os.getloadavg()[0], 1),
    }
    typer.echo(json.dumps(found))


if __name__ == "__main__":
    typer.run(bench)
