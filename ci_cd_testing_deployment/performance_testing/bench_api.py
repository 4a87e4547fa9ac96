"""Latency of the decision API under open-loop load, with an empty endpoint of the same server beside it.

Prints one JSON line last. Brings up its own servers, API and stream unless `--url` names a running API.
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
from pathlib import Path
from typing import Annotated, Final

import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import typer

from ci_cd_testing_deployment.local.rebuild import rebuild_from_history
from ci_cd_testing_deployment.local.stack import LocalStack
from ci_cd_testing_deployment.performance_testing import open_loop
from ci_cd_testing_deployment.performance_testing.open_loop import Load, MakeRequest, Outcome
from ci_cd_testing_deployment.performance_testing.world import bench_models, bench_world
from config import CACHE_DIR, RedisSettings
from data_pipeline.produce.message import wire_rows
from fraud_prevention.domain.bucket import bucket_header

_WARM_UP_S: Final = 20.0  # the broker and the stream compile their hot paths meanwhile
_TEMPLATES: Final = 100_000  # the last ones of the history; held as dictionaries


def bench(
    rate: Annotated[float, typer.Option(min=1, help="Decisions a second that arrive, Poisson.")] = 150.0,
    seconds: Annotated[float, typer.Option(min=1, help="Length of the measured part.")] = 30.0,
    cards: Annotated[int, typer.Option(min=1, help="Cards that pay; each belongs to one customer.")] = 10_000,
    url: Annotated[str | None, typer.Option(help="A running API; without it a stack of its own is started.")] = None,
    models: Annotated[Path | None, typer.Option(help="Models to serve; by default those of all benchmarks.")] = None,
    stream: Annotated[bool, typer.Option(help="Run the stream beside it, in the own stack.")] = True,
) -> None:
    """Measure the decision API over customers with a past, unless it runs elsewhere (--url).

    Example: python -m ci_cd_testing_deployment.performance_testing.bench_api --rate 200 --seconds 60
    """
    history = warm_history(cards)
    if url is not None:
        print(json.dumps(_measure(url, rate, seconds, history)))
        return
    with _own_stack(models, history, with_stream=stream) as own_url:
        result = _measure(own_url, rate, seconds, history)
    print(json.dumps(result))


def _measure(url: str, rate: float, seconds: float, history: pa.Table) -> dict[str, float | int]:
    decide, empty = decision_requests(history), _empty_requests()
    open_loop.run(Load(url, rate, _WARM_UP_S, seed=0), decide)
    # The empty endpoint is measured before and after, so that a machine that gets busier shows in both.
    before = open_loop.run(Load(url, rate, seconds / 6, seed=2), empty)
    measured = open_loop.run(Load(url, rate, seconds, seed=3), decide)
    after = open_loop.run(Load(url, rate, seconds / 6, seed=4), empty)
    return summarise(measured, before.merge(after), len(history.column("card_token").unique()))


def summarise(measured: Outcome, empty: Outcome, cards: int) -> dict[str, float | int]:
    """The figures of one run, as they are printed."""
    p99_ms, empty_p99_ms = measured.percentile_ms(99), empty.percentile_ms(99)
    return {
        "decisions_per_s": round(len(measured.latencies_s) / measured.wall_s, 1),
        "p50_ms": round(measured.percentile_ms(50), 1),
        "p99_ms": round(p99_ms, 1),
        "p999_ms": round(measured.percentile_ms(99.9), 1),
        "errors": measured.errors,
        "cards": cards,
        "empty_p50_ms": round(empty.percentile_ms(50), 1),
        "empty_p99_ms": round(empty_p99_ms, 1),
        "ratio_to_empty": round(p99_ms / empty_p99_ms, 1),
        "load_1m": round(os.getloadavg()[0], 2),
    }


def warm_history(cards: int) -> pa.Table:
    """The benchmarks' world, moved so that it ends now, with the transactions of its first `cards` cards."""
    table = pq.read_table(bench_world(CACHE_DIR) / "history.parquet")
    chosen = table.column("card_token").unique()[:cards]
    if len(chosen) < cards:
        raise typer.BadParameter(f"the world has {len(chosen):,} cards", param_hint="--cards")
    table = table.filter(pc.is_in(table.column("card_token"), chosen))
    times = table.column("event_time")
    moved = pc.add(times, time.time_ns() // 1_000_000 - times[-1].as_py())
    return table.set_column(table.schema.get_field_index("event_time"), "event_time", moved)


def decision_requests(history: pa.Table) -> MakeRequest:
    """Payments like those of the history, each card as often as it pays there, at the moment of sending."""
    draw = random.Random(5)
    run_id = f"{time.time_ns():x}"
    past = history.slice(max(0, history.num_rows - _TEMPLATES))
    templates = list(wire_rows(past))

    def make(number: int) -> bytes:
        payment = draw.choice(templates) | {
            "transaction_id": f"b{run_id}-{draw.getrandbits(48):x}-{number}",
            "event_time": time.time_ns() // 1_000_000,
        }
        body = orjson.dumps(payment)
        headers = {"Content-Type": "application/json", "Content-Length": len(body)}
        headers |= bucket_header(payment["customer_id"])  # behind a gateway, a customer stays on one version
        head = "\r\n".join(["POST /v1/decisions HTTP/1.1", "Host: bench", *(f"{n}: {v}" for n, v in headers.items())])
        return head.encode() + b"\r\n\r\n" + body

    return make


def _empty_requests() -> MakeRequest:
    request = b"GET /healthz HTTP/1.1\r\nHost: bench\r\n\r\n"
    return lambda _number: request


@contextmanager
def _own_stack(models: Path | None, history: pa.Table, *, with_stream: bool) -> Iterator[str]:
    """Servers with the state after the history, API and (optionally) stream; taken down at the end."""
    source = models or bench_models(CACHE_DIR)
    run_dir = Path(tempfile.mkdtemp(prefix="fraudstream-bench-"))
    run_dir.chmod(0o755)  # PostgreSQL may run as another user
    try:
        with LocalStack(run_dir) as stack:
            shutil.copytree(source, stack.place.models)
            pq.write_table(history, run_dir / "history.parquet")
            stack.up(["redis"])
            redis = RedisSettings(url=stack.settings()["FRAUD_REDIS_URL"])
            rebuild_from_history(run_dir, redis, None, lambda _done, _rows: None)
            stack.up(["decision-api", *(["stream"] if with_stream else [])])
            yield f"http://127.0.0.1:{stack.ports()['decision-api']}"
    finally:
        shutil.rmtree(run_dir, ignore_errors=True)


if __name__ == "__main__":
    typer.run(bench)
