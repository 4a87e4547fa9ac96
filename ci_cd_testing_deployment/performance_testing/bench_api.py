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

import typer

from ci_cd_testing_deployment.local.stack import LocalStack
from ci_cd_testing_deployment.performance_testing import open_loop
from ci_cd_testing_deployment.performance_testing.open_loop import Load, MakeRequest, Outcome
from ci_cd_testing_deployment.performance_testing.world import bench_models
from config import CACHE_DIR

_WARM_UP_S: Final = 5.0
_MERCHANTS: Final = 2_000
_MCCS: Final = ("5411", "5812", "5541", "5732", "5942", "4111", "6011")


def bench(
    rate: Annotated[float, typer.Option(min=1, help="Decisions a second that arrive, Poisson.")] = 150.0,
    seconds: Annotated[float, typer.Option(min=1, help="Length of the measured part.")] = 30.0,
    cards: Annotated[int, typer.Option(min=1, help="Cards that pay; each belongs to one customer.")] = 10_000,
    url: Annotated[str | None, typer.Option(help="A running API; without it a stack of its own is started.")] = None,
    models: Annotated[Path | None, typer.Option(help="Models to serve; by default those of all benchmarks.")] = None,
    stream: Annotated[bool, typer.Option(help="Run the stream beside it, in the own stack.")] = True,
) -> None:
    """Measure the decision API.

    Example: python -m ci_cd_testing_deployment.performance_testing.bench_api --rate 200 --seconds 60
    """
    if url is not None:
        print(json.dumps(_measure(url, rate, seconds, cards)))
        return
    with _own_stack(models, with_stream=stream) as own_url:
        result = _measure(own_url, rate, seconds, cards)
    print(json.dumps(result))


def _measure(url: str, rate: float, seconds: float, cards: int) -> dict[str, float | int]:
    decide, empty = decision_requests(cards), _empty_requests()
    open_loop.run(Load(url, rate, _WARM_UP_S, seed=0), decide)
    # The empty endpoint is measured before and after, so that a machine that gets busier shows in both.
    before = open_loop.run(Load(url, rate, seconds / 6, seed=2), empty)
    measured = open_loop.run(Load(url, rate, seconds, seed=3), decide)
    after = open_loop.run(Load(url, rate, seconds / 6, seed=4), empty)
    return summarise(measured, before.merge(after), cards)


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


def decision_requests(cards: int) -> MakeRequest:
    """Transactions of `cards` cards, timed at the moment of sending, each with an id of its own."""
    draw = random.Random(5)
    run_id = f"{time.time_ns():x}"

    def make(number: int) -> bytes:
        card = draw.randrange(cards)
        cents = max(100, int(draw.lognormvariate(8.0, 1.0)))
        body = (
            f'{{"transaction_id":"b{run_id}-{draw.getrandbits(48):x}-{number}","event_time":{time.time_ns() // 1_000_000},'
            f'"utc_offset_min":60,"customer_id":"bench-c{card}","card_token":"bench-k{card}",'
            f'"merchant_id":"bench-m{draw.randrange(_MERCHANTS)}","mcc":"{draw.choice(_MCCS)}",'
            f'"amount_minor":{cents},"currency":"EUR","merchant_country":"AT","lat":48.2,"lon":16.4,"channel":"chip"}}'
        ).encode()
        head = f"POST /v1/decisions HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
        return head.encode() + b"\r\n\r\n" + body

    return make


def _empty_requests() -> MakeRequest:
    request = b"GET /healthz HTTP/1.1\r\nHost: bench\r\n\r\n"
    return lambda _number: request


@contextmanager
def _own_stack(models: Path | None, *, with_stream: bool) -> Iterator[str]:
    """Servers, API and (optionally) stream in a directory of their own; taken down at the end."""
    source = models or bench_models(CACHE_DIR)
    run_dir = Path(tempfile.mkdtemp(prefix="fraudstream-bench-"))
    run_dir.chmod(0o755)  # PostgreSQL may run as another user
    try:
        with LocalStack(run_dir) as stack:
            shutil.copytree(source, stack.place.models)
            stack.up(["decision-api", *(["stream"] if with_stream else [])])
            yield f"http://127.0.0.1:{stack.ports()['decision-api']}"
    finally:
        shutil.rmtree(run_dir, ignore_errors=True)


if __name__ == "__main__":
    typer.run(bench)
