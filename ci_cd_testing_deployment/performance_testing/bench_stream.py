"""`make bench-stream`: a preloaded topic drained through the stream; one JSON line last.

Everything real and on the same cores: broker, Redis with its append-only file and a state that history has filled, JVM,
Python workers, fifty rules. The CPU figure is that of the whole process tree. The first batches (warm-up), the last one
and the filler are left out.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from ci_cd_testing_deployment.performance_testing.runners import Runner
from config import CACHE_DIR, IngestSettings, KafkaSettings, ModelSettings, RedisSettings, StreamSettings

if TYPE_CHECKING:
    from ci_cd_testing_deployment.local.stack import LocalStack
    from data_pipeline.stream.bootstrap import StreamConfig
    from data_pipeline.stream.plan import Plan
    from data_pipeline.stream.runner import Runner as PlanRunner
    from data_pipeline.stream.summary import Summary

_WARM_UP_BATCHES: Final = 2
_RULES: Final = Path(__file__).with_name("rules_50.yaml")


@dataclass(frozen=True, slots=True)
class Sample:
    """The end of a batch: its rows, dead letters so far, wall clock, CPU seconds of all processes by part, and of all phases so far."""

    rows: int
    dead: int
    at_s: float
    cpu_s: dict[str, float]
    phases_s: dict[str, float]


def bench(
    events: Annotated[int, typer.Option(min=1_000, help="Events to drain.")] = 1_200_000,
    batch: Annotated[int, typer.Option(min=1_000, help="Records of a micro-batch at most.")] = 150_000,
    runner: Annotated[Runner, typer.Option(help="Who does the plans.")] = Runner.spark,
    poisoned: Annotated[int, typer.Option(min=0, help="Bad records, all in one partition, beside the events.")] = 0,
    cores: Annotated[int, typer.Option(min=0, help="Cores for everything together; 0 takes all.")] = 0,
) -> None:
    """Fill a topic, drain it through the stream, print events per second and per CPU-second."""
    from ci_cd_testing_deployment.local.stack import LocalStack
    from ci_cd_testing_deployment.performance_testing.world import bench_models

    if cores:
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:cores])
    models = bench_models(CACHE_DIR)
    run_dir = Path(tempfile.mkdtemp(prefix="fraudstream-bench-"))
    try:
        with LocalStack(run_dir) as stack:
            stack.up(["kafka", "redis"])
            since_ms = _fill(stack, events, poisoned)
            typer.echo(json.dumps(_measure(stack, models, batch, runner, since_ms)))
    finally:
        shutil.rmtree(run_dir, ignore_errors=True)


def _fill(stack: LocalStack, events: int, poisoned: int) -> int:
    """Put the world's last events on the topic; returns the event time of the first of them."""
    import pyarrow.parquet as pq

    from ci_cd_testing_deployment.performance_testing.poison import poison
    from ci_cd_testing_deployment.performance_testing.preload import preload
    from ci_cd_testing_deployment.performance_testing.world import crowd_world
    from fraud_prevention.domain.topics import TRANSACTIONS

    table = pq.read_table(crowd_world(CACHE_DIR) / "history.parquet")
    table = table.slice(max(table.num_rows - events, 0))
    since_ms: int = table.column("event_time")[0].as_py()
    bootstrap_servers = stack.settings()["FRAUD_KAFKA_BOOTSTRAP_SERVERS"]
    parts = 20 if poisoned else 1  # bad and good ones take turns
    for part in range(parts):
        start, end = (table.num_rows * n // parts for n in (part, part + 1))
        preload(bootstrap_servers, TRANSACTIONS, table.slice(start, end - start))
        poison(bootstrap_servers, poisoned // parts)
    return since_ms


def _measure(stack: LocalStack, models: Path, batch: int, runner: Runner, since_ms: int) -> dict[str, object]:
    from ci_cd_testing_deployment.local.rebuild import rebuild_from_history
    from ci_cd_testing_deployment.performance_testing.world import crowd_world
    from data_pipeline.stream.bootstrap import make_runner, stream_config
    from data_pipeline.stream.summary import Summary
    from fraud_prevention.policy.bundle import load_policy
    from model.features.catalogue import FEATURE_COUNT, FEATURE_NAMES
    from model.inference.scorer import load_scorer

    values = stack.settings()
    kafka = KafkaSettings(bootstrap_servers=values["FRAUD_KAFKA_BOOTSTRAP_SERVERS"])
    redis = RedisSettings(url=values["FRAUD_REDIS_URL"])
    stream = StreamSettings(
        bundle_dir=stack.place.bundles,
        max_offsets_per_trigger=batch,
        master=f"local[{len(os.sched_getaffinity(0))}]",
    )
    model = ModelSettings(directory=models, policy_file=_RULES)
    config = stream_config(kafka, redis, model, IngestSettings(enforce_time_bounds=False), stream)
    rebuild_from_history(crowd_world(CACHE_DIR), redis, since_ms, lambda _done, _rows: None)
    total = Summary()
    with _worker(runner, stream, config) as by:

        def worked(plan: Plan) -> Summary:
            summary = by(plan)
            total.add(summary)
            return summary

        loop = make_runner(config, kafka, stream, worked)
        loop.start()
        servers = {s.name: s.pid for s in stack.status() if s.pid is not None}
        samples = _drain(loop, servers, total)
    steady = samples[_WARM_UP_BATCHES:-1]
    if len(steady) < 1:
        raise RuntimeError(f"{len(samples)} batches are too few to leave out warm-up and end; use more --events")
    begin, end = samples[_WARM_UP_BATCHES - 1], steady[-1]
    dead = end.dead - begin.dead
    rows = sum(s.rows for s in steady) - dead
    cpu_s = {name: used - begin.cpu_s[name] for name, used in end.cpu_s.items()}
    phases_s = {name: used - begin.phases_s.get(name, 0.0) for name, used in end.phases_s.items()}
    for number, sample in enumerate(samples):
        typer.echo(f"batch {number}: {sample.rows:,} rows", err=True)
    return {
        "runner": runner,
        "events": rows,
        "dead_letters": dead,
        "events_per_s": round(rows / (end.at_s - begin.at_s)),
        "events_per_cpu_s": round(rows / sum(cpu_s.values())),
        "features": FEATURE_COUNT,
        "rules": len(load_policy(model.policy_file, FEATURE_NAMES).rules),
        "trees": len(load_scorer(models).ensemble.root),
        "cpu_us_per_event": {name: round(used / rows * 1e6, 1) for name, used in cpu_s.items()},
        "wall_us_per_event": {name: round(used / rows * 1e6, 1) for name, used in phases_s.items()},
        "batches": len(steady),
        "cores": len(os.sched_getaffinity(0)),
        "load_1m": round(os.getloadavg()[0], 1),
    }


@contextmanager
def _worker(runner: Runner, stream: StreamSettings, config: StreamConfig) -> Iterator[Callable[[Plan], Summary]]:
    """What does plans: this process, or Spark."""
    from data_pipeline.stream.job import warm_workers, work_by
    from data_pipeline.stream.session import build_session
    from data_pipeline.stream.warm import warm_kernels
    from data_pipeline.stream.work import bundle_of, work

    if runner is Runner.lite:
        warm_kernels(bundle_of(config.work.bundle_directory, config.work.model_directory, config.bundle))
        yield lambda plan: work(config.work, plan)
        return
    session = build_session(stream)
    try:
        warm_workers(session, config.work, config.bundle)
        yield work_by(session, config.work)
    finally:
        session.stop()


def _drain(loop: PlanRunner, servers: Mapping[str, int], total: Summary) -> list[Sample]:
    """A sample at the end of each batch, until the topic is drained."""
    import psutil

    from ci_cd_testing_deployment.performance_testing.cpu import used_cpu_s

    own = psutil.Process()
    samples: list[Sample] = []
    while rows := loop.step():
        samples.append(Sample(rows, total.dead, time.monotonic(), used_cpu_s(own, servers), dict(total.phases_s)))
    return samples


if __name__ == "__main__":
    typer.run(bench)
