"""`make bench-stream`: a preloaded topic drained through Spark; one JSON line last.

Everything real and on the same cores: broker, Redis with its append-only file, JVM, Python workers. The CPU figure
is that of the whole process tree. The first batches (warm-up), the last one and the filler are left out.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from config import CACHE_DIR, IngestSettings, KafkaSettings, ModelSettings, RedisSettings, StreamSettings

if TYPE_CHECKING:
    import psutil
    from pyspark.sql.streaming.query import StreamingQuery

    from ci_cd_testing_deployment.local.stack import LocalStack
    from data_pipeline.stream.stage import StreamConfig

_WARM_UP_BATCHES: Final = 2
_SAMPLE_S: Final = 0.05


@dataclass(frozen=True, slots=True)
class Sample:
    """The moment a batch was seen to be done: rows of that batch, wall clock, CPU seconds of all processes by part."""

    batch: int
    rows: int
    at_s: float
    cpu_s: dict[str, float]


def bench(
    events: Annotated[int, typer.Option(min=1_000, help="Events to drain.")] = 600_000,
    batch: Annotated[int, typer.Option(min=1_000, help="Records of a micro-batch at most.")] = 75_000,
) -> None:
    """Fill a topic, drain it through the stream, print events per second and per CPU-second."""
    from ci_cd_testing_deployment.local.stack import LocalStack
    from ci_cd_testing_deployment.performance_testing.world import bench_models

    models = bench_models(CACHE_DIR)
    run_dir = Path(tempfile.mkdtemp(prefix="fraudstream-bench-"))
    try:
        with LocalStack(run_dir) as stack:
            stack.up(["kafka", "redis"])
            _fill(stack, events)
            typer.echo(json.dumps(_measure(stack, models, batch)))
    finally:
        shutil.rmtree(run_dir, ignore_errors=True)


def _fill(stack: LocalStack, events: int) -> None:
    import pyarrow.parquet as pq
    from confluent_kafka import KafkaError, Message, Producer

    from ci_cd_testing_deployment.performance_testing.world import bench_world
    from data_pipeline.produce.message import wire_rows
    from fraud_prevention.domain.topics import TRANSACTIONS

    import orjson  # isort: skip

    table = pq.read_table(bench_world(CACHE_DIR) / "history.parquet").slice(0, events)
    producer = Producer(
        {
            "bootstrap.servers": stack.settings()["FRAUD_KAFKA_BOOTSTRAP_SERVERS"],
            "linger.ms": 20,
            "compression.type": "lz4",
            "partitioner": "murmur2_random",
        }
    )
    taken = 0

    def note(error: KafkaError | None, _message: Message) -> None:
        nonlocal taken
        taken += error is None

    for payload in wire_rows(table):
        while True:
            try:
                producer.produce(TRANSACTIONS, orjson.dumps(payload), key=payload["customer_id"], on_delivery=note)
                break
            except BufferError:
                producer.poll(0.1)
    producer.flush(120)
    if taken != table.num_rows:
        raise RuntimeError(f"the broker took {taken:,} of {table.num_rows:,} events within two minutes")


def _measure(stack: LocalStack, models: Path, batch: int) -> dict[str, object]:
    from data_pipeline.stream.bootstrap import stream_config
    from data_pipeline.stream.job import start_query, warm_workers
    from data_pipeline.stream.session import build_session
    from fraud_prevention.policy.bundle import load_policy
    from model.features.catalogue import FEATURE_COUNT, FEATURE_NAMES
    from model.inference.scorer import load_scorer

    values = stack.settings()
    kafka = KafkaSettings(bootstrap_servers=values["FRAUD_KAFKA_BOOTSTRAP_SERVERS"])
    stream = StreamSettings(
        checkpoint_dir=stack.place.checkpoints / "stream",
        jars_dir=stack.place.cache_dir / "spark-jars",
        max_offsets_per_trigger=batch,
    )
    model = ModelSettings(directory=models)
    ingest = IngestSettings(enforce_time_bounds=False)
    config: StreamConfig = stream_config(kafka, RedisSettings(url=values["FRAUD_REDIS_URL"]), model, ingest, stream)
    session = build_session(stream)
    try:
        warm_workers(session, config)
        servers = {s.name: s.pid for s in stack.status() if s.pid is not None}
        samples = _watch(start_query(session, kafka, stream, config, drain=True), servers)
    finally:
        session.stop()
    steady = samples[_WARM_UP_BATCHES:-1]
    if len(steady) < 1:
        raise RuntimeError(f"{len(samples)} batches are too few to leave out warm-up and end; use more --events")
    begin, end = samples[_WARM_UP_BATCHES - 1], steady[-1]
    rows = sum(s.rows for s in steady)
    cpu_s = {name: used - begin.cpu_s[name] for name, used in end.cpu_s.items()}
    for sample in samples:
        typer.echo(f"batch {sample.batch}: {sample.rows:,} rows", err=True)
    return {
        "events": rows,
        "events_per_s": round(rows / (end.at_s - begin.at_s)),
        "events_per_cpu_s": round(rows / sum(cpu_s.values())),
        "features": FEATURE_COUNT,
        "rules": len(load_policy(model.policy_file, FEATURE_NAMES).rules),
        "trees": len(load_scorer(models).ensemble.root),
        "cpu_us_per_event": {name: round(used / rows * 1e6, 1) for name, used in cpu_s.items()},
        "batches": len(steady),
        "cores": os.cpu_count() or 1,
        "load_1m": round(os.getloadavg()[0], 1),
    }


def _watch(query: StreamingQuery, servers: Mapping[str, int]) -> list[Sample]:
    """A sample at the end of each batch that had rows, until the topic is drained."""
    samples: list[Sample] = []
    seen = -1
    while True:
        is_active = query.isActive
        for progress in query.recentProgress:
            if progress["batchId"] > seen:
                seen = progress["batchId"]
                if progress["numInputRows"]:
                    samples.append(Sample(seen, progress["numInputRows"], time.monotonic(), _cpu_s(servers)))
        if not is_active:
            break
        time.sleep(_SAMPLE_S)
    if (error := query.exception()) is not None:
        raise error
    return samples


def _cpu_s(servers: Mapping[str, int]) -> dict[str, float]:
    """CPU seconds so far of each server, of the JVM and of all Python, this process's children that ended included."""
    import psutil

    used = dict.fromkeys([*servers, "jvm", "python"], 0.0)
    own = psutil.Process()
    family = [(name, process) for name, pid in servers.items() for process in _tree(psutil.Process(pid))]
    family += [("jvm" if process.name() == "java" else "python", process) for process in _tree(own)]
    server_pids = {process.pid for name, process in family if name in servers}
    for name, process in family:
        if name not in servers and process.pid in server_pids:
            continue  # the servers are children of this process too
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue  # its parent has its time among that of ended children
        used[name] += times.user + times.system + times.children_user + times.children_system
    return used


def _tree(root: psutil.Process) -> list[psutil.Process]:
    return [root, *root.children(recursive=True)]


if __name__ == "__main__":
    typer.run(bench)
