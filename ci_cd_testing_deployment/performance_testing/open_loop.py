"""An open-loop HTTP load generator: requests leave on a schedule, whether or not earlier ones are answered.

Latency counts from the scheduled time, so a server that stalls pays for everyone who waits. Runs in a process
of its own and speaks HTTP/1.1 over kept-alive connections by hand, so that it stays light beside what it measures.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

import numpy as np

_LIMIT_BYTES: Final = 1 << 20
_OK: Final = 200


@dataclass(frozen=True, slots=True)
class Load:
    """What to send: `rate` requests a second for `seconds`, arrivals drawn from a Poisson process.

    connections: requests that can be under way at once; more wait, and their waiting counts.
    """

    url: str
    rate: float
    seconds: float
    connections: int = 64
    timeout_s: float = 10.0
    seed: int = 1


@dataclass(slots=True)
class Outcome:
    """Latencies in seconds of the answers with status 200, everything else counted as an error."""

    latencies_s: list[float] = field(default_factory=list)
    errors: int = 0
    wall_s: float = 0.0

    def percentile_ms(self, q: float) -> float:
        """The q-th percentile in ms, NaN without any answer."""
        return float(np.percentile(self.latencies_s, q)) * 1000 if self.latencies_s else float("nan")

    def merge(self, other: Outcome) -> Outcome:
        """Both together, one after the other."""
        return Outcome(self.latencies_s + other.latencies_s, self.errors + other.errors, self.wall_s + other.wall_s)


# Called at the moment of sending with the number of the request; returns the whole request as bytes.
MakeRequest = Callable[[int], bytes]


def run(load: Load, make_request: MakeRequest) -> Outcome:
    """Send the load and return when everything is answered or timed out. Raises OSError if nobody listens."""
    return asyncio.run(_run(load, make_request))


def arrivals(load: Load) -> Iterator[float]:
    """Seconds from the start at which requests are due."""
    draw = random.Random(load.seed)
    at = draw.expovariate(load.rate)
    while at < load.seconds:
        yield at
        at += draw.expovariate(load.rate)


async def _run(load: Load, make_request: MakeRequest) -> Outcome:
    outcome = Outcome()
    due: asyncio.Queue[tuple[int, float] | None] = asyncio.Queue()
    host, port = urlsplit(load.url).hostname or "", urlsplit(load.url).port or 80
    connections = [_Connection(host, port) for _ in range(load.connections)]
    for connection in connections:
        await connection.open()
    workers = [asyncio.create_task(_work(load, due, make_request, outcome, c)) for c in connections]
    started_s = time.perf_counter()
    for number, at in enumerate(arrivals(load)):
        wait_s = started_s + at - time.perf_counter()
        if wait_s > 0:
            await asyncio.sleep(wait_s)
        due.put_nowait((number, started_s + at))
    for _ in workers:
        due.put_nowait(None)
    await asyncio.gather(*workers)
    outcome.wall_s = time.perf_counter() - started_s
    for connection in connections:
        connection.close()
    return outcome


async def _work(
    load: Load,
    due: asyncio.Queue[tuple[int, float] | None],
    make_request: MakeRequest,
    outcome: Outcome,
    connection: _Connection,
) -> None:
    while (item := await due.get()) is not None:
        number, scheduled_s = item
        try:
            async with asyncio.timeout(load.timeout_s):
                status = await connection.exchange(make_request(number))
        except (TimeoutError, OSError, asyncio.IncompleteReadError, ValueError):
            connection.close()
            status = 0
        if status == _OK:
            outcome.latencies_s.append(time.perf_counter() - scheduled_s)
        else:
            outcome.errors += 1


class _Connection:
    """One kept-alive connection, opened again after an error."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """The open connection. Raises OSError."""
        if self._reader is None or self._writer is None or self._reader.at_eof():
            self._reader, self._writer = await asyncio.open_connection(self._host, self._port, limit=_LIMIT_BYTES)
        return self._reader, self._writer

    async def exchange(self, request: bytes) -> int:
        """Send one request, read its answer whole, return the status."""
        reader, writer = await self.open()
        writer.write(request)
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        start = head.index(b"content-length:") + 15
        await reader.readexactly(int(head[start : head.index(b"\r\n", start)]))
        if b"connection: close" in head:
            self.close()
        return int(head[9:12])

    def close(self) -> None:
        """Let go; the next exchange opens it again."""
        if self._writer is not None:
            self._writer.close()
        self._reader = self._writer = None
