"""The machine's clock, for everything that takes `ports.Clock`."""

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
