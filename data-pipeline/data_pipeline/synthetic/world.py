"""The world as a function of time: ask for any span and get its rows, history and live stream alike."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from data_pipeline.synthetic.ordinary import ordinary_day
from data_pipeline.synthetic.plan import Plan, monday_of, plan_week, week_of
from data_pipeline.synthetic.population import draw_customers, draw_merchants
from data_pipeline.synthetic.randomness import Draws
from data_pipeline.synthetic.rows import DAY_MS, Rows, in_log_order
from data_pipeline.synthetic.travel import PERIOD_DAYS, Trips, draw_trips

T = TypeVar("T")
PPM = 1_000_000


@dataclass(frozen=True, slots=True)
class WorldSpec:
    """What a world follows from. `start_day` is its first UTC day (days since 1970)."""

    seed: int
    customers: int
    start_day: int
    fraud_rate: float = 0.005  # fraud rows ÷ all rows

    def __post_init__(self) -> None:
        if self.customers < 1:
            raise ValueError("a world needs at least one customer")
        if not 0.0 <= self.fraud_rate <= 0.5:
            raise ValueError("the fraud rate must be between 0 and 0.5")


@dataclass(frozen=True, slots=True)
class Live:
    """From `from_ms` on, another share of fraud, without the rows whose ids are in `untold`."""

    from_ms: int
    fraud_rate: float
    untold: tuple[int, ...]


class _Recent:
    """A few values that are dear to compute and cheap to compute again."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._held: OrderedDict[int, object] = OrderedDict()

    def get(self, key: int, make: Callable[[], T]) -> T:
        if key in self._held:
            self._held.move_to_end(key)
            return self._held[key]  # type: ignore[return-value]  # one value type per instance
        value = make()
        self._held[key] = value
        if len(self._held) > self._limit:
            self._held.popitem(last=False)
        return value


class World:
    """Rows of any span. Pure in (spec, live rate): no call changes what another one returns."""

    def __init__(self, spec: WorldSpec) -> None:
        self.spec = spec
        self.draws = Draws(spec.seed)
        self.customers = draw_customers(self.draws, spec.customers, spec.start_day)
        self.merchants = draw_merchants(self.draws, spec.customers)
        self.live: Live | None = None
        self._trips = _Recent(4)
        self._days = _Recent(14)
        self._visits = _Recent(40)
        self._past = _Recent(2)
        self._plans: dict[tuple[int, float], Plan] = {}

    def with_live(self, from_ms: int, fraud_rate: float | None = None, untold: tuple[int, ...] = ()) -> World:
        """The same world with another share of fraud from a moment on; what is computed already is shared.

        `untold` names fraud rows (ids) that are left out from that moment on.
        """
        other = copy(self)
        other.live = Live(from_ms, self.spec.fraud_rate if fraud_rate is None else fraud_rate, untold)
        return other

    def window(self, start_ms: int, end_ms: int) -> Rows:
        """All rows with start ≤ time < end, in log order; nothing before the world's first day."""
        start_ms = max(start_ms, self.spec.start_day * DAY_MS)
        # A local day reaches from 13 h before its UTC day to 14 h after it.
        days = range(start_ms // DAY_MS - 2, end_ms // DAY_MS + 2)
        parts = [self.honest_day(day) for day in days]
        for week in range(week_of(days[0]) - 1, week_of(days[-1]) + 1):
            parts += self._fraud(week)
        rows = np.concatenate(parts)
        return in_log_order(rows[(rows["time"] >= start_ms) & (rows["time"] < end_ms)])

    def honest_day(self, day: int) -> Rows:
        """Honest rows of one local day, unsorted."""
        return self._days.get(
            day, lambda: ordinary_day(self.draws, self.customers, self.merchants, self.trips(day // PERIOD_DAYS), day)
        )

    def trips(self, period: int) -> Trips:
        """Trips of a period of 45 days."""
        return self._trips.get(period, lambda: draw_trips(self.draws, self.customers, period))

    def plans(self, through_ms: int) -> list[tuple[int, int, Plan]]:
        """Every plan from the world's start to the week of a moment, each with the span (ms) it counts in."""
        weeks = range(week_of(self.spec.start_day), week_of(through_ms // DAY_MS) + 1)
        forever = 1 << 60
        if self.live is None:
            return [(0, forever, self._plan(week, self.spec.fraud_rate)) for week in weeks]
        cut, rate = self.live.from_ms, self.live.fraud_rate
        past = [(0, cut, self._plan(w, self.spec.fraud_rate)) for w in weeks if monday_of(w) * DAY_MS < cut]
        return past + [(cut, forever, self._plan(w, rate)) for w in weeks if _reaches(w, cut)]

    def card_blocks(self, through_ms: int) -> npt.NDArray[np.int64]:
        """Blocked cards as sorted numbers (customer × 2 + card) × 2^42 + time in ms."""
        found = {
            ((block.customer * 2 + block.card) << 42) + block.time
            for begin, end, plan in self.plans(through_ms)
            for block in plan.blocks
            if begin <= block.time < end
        }
        return np.array(sorted(found), dtype=np.int64)

    def _fraud(self, week: int) -> list[Rows]:
        if week < week_of(self.spec.start_day):
            return []
        base = self._plan(week, self.spec.fraud_rate).rows
        if self.live is None:
            return [base]
        cut = self.live.from_ms
        live = self._plan(week, self.live.fraud_rate).rows if _reaches(week, cut) else base[:0]
        is_told = (live["time"] >= cut) & ~np.isin(live["id"], np.array(self.live.untold, dtype=np.uint64))
        return [base[base["time"] < cut], live[is_told]]

    def _plan(self, week: int, rate: float) -> Plan:
        key = (week, rate)
        if key not in self._plans:
            first = monday_of(week)
            honest = sum(len(self.honest_day(day)) for day in range(first, first + 7))
            dither = float(self.draws.keyed(week, 7).uniform("quota")[0])
            quota = int(rate / (1.0 - rate) * honest + dither)
            self._plans[key] = plan_week(
                self.draws, self.customers, self.merchants, week, quota, round(rate * PPM), self._visits_before
            )
        return self._plans[key]

    def _visits_before(self, day: int) -> Rows:
        """Card-present honest rows of the days (day − 20 … day − 5), those of the world only."""
        days = range(max(day - 20, self.spec.start_day), day - 4)
        return self._past.get(
            day,
            lambda: np.concatenate([self._visits_on(self.spec.start_day)[:0], *(self._visits_on(d) for d in days)]),
        )

    def _visits_on(self, day: int) -> Rows:
        def make() -> Rows:
            rows = self.honest_day(day)
            columns = ["customer", "card", "merchant", "terminal"]
            kept = np.empty(int((rows["terminal"] >= 0).sum()), [(name, rows.dtype[name]) for name in columns])
            for name in columns:
                kept[name] = rows[name][rows["terminal"] >= 0]
            return kept

        return self._visits.get(day, make)


def _reaches(week: int, moment_ms: int) -> bool:
    """Whether stories of the week may have rows after the moment; none lasts longer than a week."""
    return monday_of(week + 2) * DAY_MS > moment_ms
