"""`make bench-flow`: how long an event waits for its decision in a steady flow; one JSON line last.

Events arrive by a Poisson process whether or not earlier ones are decided. The time from the scheduled moment of sending
to the moment when a consumer of `decisions.v1` holds the decision counts: both hops through the broker are in it.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Final

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import typer
from confluent_kafka import Consumer, Producer, TopicPartition

from ci_cd_testing_deployment.local.rebuild import rebuild_from_history
from ci_cd_testing_deployment.local.stack import LocalStack
from ci_cd_testing_deployment.performance_testing.bench_api import warm_history
from ci_cd_testing_deployment.performance_testing.runners import Runner
from ci_cd_testing_deployment.performance_testing.world import bench_models
from config import CACHE_DIR, RedisSettings
from data_pipeline.produce.message import wire_rows
from fraud_prevention.domain.topics import DECISIONS, TRANSACTIONS
from storage_security.kafka.admin import partitions_of

_WARM_UP_S: Final = 10.0
_POLL_S: Final = 0.002
_PATIENCE_S: Final = 30.0  # for the last decisions, after the last event was sent
_TEMPLATES: Final = 20_000


@dataclass(slots=True)
class Flow:
    """What came of the flow: seconds from each event, sent after the warm-up, to its decision."""

    latencies_s: list[float] = field(default_factory=list)
    sent: int = 0


def bench(
    rate: Annotated[float, typer.Option(min=1, help="Events a second.")] = 2_000.0,
    seconds: Annotated[float, typer.Option(min=1, help="Duration, after ten seconds of warm-up.")] = 60.0,
    runner: Annotated[Runner, typer.Option(help="Who does the plans.")] = Runner.spark,
    cards: Annotated[int, typer.Option(min=1, help="Cards that pay; each has a past.")] = 10_000,
) -> None:
    """Let events flow through a stack of its own; print latencies from event to decision."""
    history = warm_history(cards)
    with _own_stack(history, runner) as bootstrap_servers:
        flow = _let_flow(bootstrap_servers, history, rate, seconds)
    p50, p99, p999 = np.percentile(flow.latencies_s, [50, 99, 99.9]) * 1000
    typer.echo(
        json.dumps(
            {
                "runner": runner,
                "rate": rate,
                "sent": flow.sent,
                "decided": len(flow.latencies_s),
                "p50_ms": round(p50, 1),
                "p99_ms": round(p99, 1),
                "p999_ms": round(p999, 1),
                "max_ms": round(max(flow.latencies_s) * 1000, 1),
                "cores": len(os.sched_getaffinity(0)),
                "load_1m": round(os.getloadavg()[0], 1),
            }
        )
    )


def _let_flow(bootstrap_servers: str, history: pa.Table, rate: float, seconds: float) -> Flow:
    templates = list(wire_rows(history.slice(max(0, history.num_rows - _TEMPLATES))))
    draw = random.Random(7)
    producer = Producer(
        {"bootstrap.servers": bootstrap_servers, "linger.ms": 1, "acks": "all", "partitioner": "murmur2_random"}
    )
    consumer = _at_end(bootstrap_servers)
    flow = Flow()
    due: dict[str, float] = {}
    start_s = next_s = time.time()
    stop_s = start_s + _WARM_UP_S + seconds
    number = 0
    try:
        while next_s < stop_s or (due and time.time() < stop_s + _PATIENCE_S):
            while next_s < min(stop_s, time.time()):
                number += 1
                payment = draw.choice(templates) | {"transaction_id": f"f-{number}", "event_time": int(next_s * 1000)}
                producer.produce(TRANSACTIONS, orjson.dumps(payment), key=payment["customer_id"])
                if next_s >= start_s + _WARM_UP_S:
                    due[f"f-{number}"] = next_s
                    flow.sent += 1
                next_s += draw.expovariate(rate)
            producer.poll(0)
            for message in consumer.consume(1_000, _POLL_S):
                now_s = time.time()
                sent_s = due.pop(orjson.loads(message.value() or b"{}").get("transaction_id"), None)
                if sent_s is not None:
                    flow.latencies_s.append(now_s - sent_s)
    finally:
        consumer.close()
    if not flow.latencies_s:
        raise RuntimeError("no decision came; see the stream's log")
    return flow


def _at_end(bootstrap_servers: str) -> Consumer:
    consumer = Consumer({"bootstrap.servers": bootstrap_servers, "group.id": "bench-flow", "fetch.wait.max.ms": 5})
    places = [TopicPartition(DECISIONS, p) for p in range(partitions_of(bootstrap_servers, DECISIONS))]
    for place in places:
        place.offset = consumer.get_watermark_offsets(place, timeout=10)[1]
    consumer.assign(places)
    return consumer


@contextmanager
def _own_stack(history: pa.Table, runner: Runner) -> Iterator[str]:
    """Kafka, and a stream with the state after the history; taken down at the end."""
    run_dir = Path(tempfile.mkdtemp(prefix="fraudstream-bench-"))
    os.environ["FRAUD_STREAM_RUNNER"] = runner
    try:
        with LocalStack(run_dir) as stack:
            shutil.copytree(bench_models(CACHE_DIR), stack.place.models)
            pq.write_table(history, run_dir / "history.parquet")
            stack.up(["redis"])
            rebuild_from_history(
                run_dir, RedisSettings(url=stack.settings()["FRAUD_REDIS_URL"]), None, lambda _done, _rows: None
            )
            stack.up(["stream"])
            yield stack.settings()["FRAUD_KAFKA_BOOTSTRAP_SERVERS"]
    finally:
        shutil.rmtree(run_dir, ignore_errors=True)


if __name__ == "__main__":
    typer.run(bench)
