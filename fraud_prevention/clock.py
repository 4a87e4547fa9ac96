"""Clocks for everything that takes `ports.Clock`."""

from __future__ import annotations

import time


class SystemClock:
    """`ports.Clock` on the operating system."""

    def now_ms(self) -> int:
        """See `ports.Clock.now_ms`."""
        return time.time_ns() // 1_000_000

    def monotonic_s(self) -> float:
        """See `ports.Clock.monotonic_s`."""
        return time.perf_counter()

    def sleep(self, seconds: float) -> None:
        """See `ports.Clock.sleep`."""
        time.sleep(seconds)


class ManualClock:
    """`ports.Clock` that stands still until it is told otherwise: for tests and for replays of one moment."""

    def __init__(self, now_ms: int) -> None:
        self._now_ms = now_ms

    def set(self, now_ms: int) -> None:
        """Let it be another moment."""
        self._now_ms = now_ms

    def now_ms(self) -> int:
        """See `ports.Clock.now_ms`."""
        return self._now_ms

    def monotonic_s(self) -> float:
        """See `ports.Clock.monotonic_s`. Goes back where `set` did."""
        return self._now_ms / 1000

    def sleep(self, seconds: float) -> None:
        """See `ports.Clock.sleep`. Returns at once, that much later."""
        self._now_ms += round(seconds * 1000)
