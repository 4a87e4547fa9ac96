"""Rate and latency of the last seconds, in bounded memory whatever the rate."""

from __future__ import annotations

import math
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

WINDOW_S: Final = 60
# Latencies are counted in buckets that grow by 5 %, so a percentile is off by 5 % at most: from 0.1 ms to 10 min.
_GROWTH: Final = math.log(1.05)
_SMALLEST_MS: Final = 0.1
_BUCKETS: Final = 321


@dataclass(slots=True)
class _Second:
    second: int
    decisions: int = 0
    latencies: list[int] = field(default_factory=lambda: [0] * _BUCKETS)


@dataclass(frozen=True, slots=True)
class LiveFigures:
    """`seconds` is how much of the window was observed; percentiles are None where nothing was measured."""

    decisions: int
    seconds: float
    p50_latency_ms: float | None
    p99_latency_ms: float | None

    @property
    def decisions_per_s(self) -> float:
        return self.decisions / self.seconds if self.seconds > 0 else 0.0


class LiveWindow:
    """Thread-safe. `clock_s` is any clock in seconds."""

    def __init__(self, clock_s: Callable[[], float]) -> None:
        self._clock_s = clock_s
        self._started_s = clock_s()
        self._lock = threading.Lock()
        self._seconds: deque[_Second] = deque(maxlen=WINDOW_S)

    def add(self, latency_ms: float | None) -> None:
        """One decision was seen at this moment."""
        second = int(self._clock_s())
        with self._lock:
            if not self._seconds or self._seconds[-1].second != second:
                self._seconds.append(_Second(second))
            held = self._seconds[-1]
            held.decisions += 1
            if latency_ms is not None:
                held.latencies[_bucket(latency_ms)] += 1

    def read(self) -> LiveFigures:
        """Figures of the last `WINDOW_S` seconds."""
        now_s = self._clock_s()
        oldest = now_s - WINDOW_S
        with self._lock:
            held = [s for s in self._seconds if s.second >= oldest]
            counts = [sum(column) for column in zip(*(s.latencies for s in held), strict=True)]
            decisions = sum(s.decisions for s in held)
        seconds = min(float(WINDOW_S), now_s - self._started_s)
        return LiveFigures(decisions, seconds, _percentile(counts, 0.5), _percentile(counts, 0.99))


def _bucket(latency_ms: float) -> int:
    if latency_ms <= _SMALLEST_MS:
        return 0
    return min(_BUCKETS - 1, 1 + int(math.log(latency_ms / _SMALLEST_MS) / _GROWTH))


def _percentile(counts: list[int], share: float) -> float | None:
    """Upper edge of the bucket that holds it, in ms."""
    total = sum(counts)
    if not total:
        return None
    wanted, seen = share * total, 0
    for bucket, count in enumerate(counts):
        seen += count
        if seen >= wanted:
            return round(_SMALLEST_MS * math.exp(bucket * _GROWTH), 2)
    return None
