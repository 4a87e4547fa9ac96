"""The headline: what the stores count, and the rate and latency of the last minute."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

from fraud_prevention.domain.reference import BASE_CURRENCY
from fraud_prevention.usecases.cases import Totals
from visualization_dashboard.backend.live_window import WINDOW_S, LiveWindow
from visualization_dashboard.backend.schemas import Figures

COUNTED_S: Final = 86_400
# Every open page asks again and again; the database is asked this often at most.
_KEEP_S: Final = 1.0


class FigureBoard:
    """Thread-safe. `read_totals` takes the moment (ms) from which to count; `clock_s` is the wall clock."""

    def __init__(self, read_totals: Callable[[int], Totals], window: LiveWindow, clock_s: Callable[[], float]) -> None:
        self._read_totals = read_totals
        self._window = window
        self._clock_s = clock_s
        self._lock = threading.Lock()
        self._held: tuple[float, Totals] | None = None

    def read(self) -> Figures:
        """Raises Unavailable."""
        totals = self._totals()
        live = self._window.read()
        return Figures(
            window_s=COUNTED_S,
            live_window_s=WINDOW_S,
            decisions=sum(totals.by_outcome.values()),
            decisions_per_s=round(live.decisions_per_s, 2),
            approve=totals.by_outcome.get("approve", 0),
            challenge=totals.by_outcome.get("challenge", 0),
            review=totals.by_outcome.get("review", 0),
            decline=totals.by_outcome.get("decline", 0),
            alerts_open=totals.alerts_open,
            cases_open=totals.cases_open,
            stopped_amount_base_minor=totals.stopped_amount_base_minor,
            p50_latency_ms=live.p50_latency_ms,
            p99_latency_ms=live.p99_latency_ms,
            dead_letters=totals.dead_letters,
            base_currency=BASE_CURRENCY,
        )

    def _totals(self) -> Totals:
        now_s = self._clock_s()
        with self._lock:
            if self._held is None or now_s - self._held[0] >= _KEEP_S:
                self._held = (now_s, self._read_totals(int((now_s - COUNTED_S) * 1000)))
            return self._held[1]
