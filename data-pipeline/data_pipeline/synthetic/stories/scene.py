"""What a story may use: the world's tables, a generator of its own, victims, and visits of the past."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from data_pipeline.synthetic.commerce import MEDIAN_EUR, SIGMA
from data_pipeline.synthetic.places import CITY_COUNTRY, CITY_CURRENCY, CITY_OFFSET_MIN
from data_pipeline.synthetic.population import REMOTE_PLACE, Customers, Merchants
from data_pipeline.synthetic.randomness import Draws
from data_pipeline.synthetic.rows import DAY_MS, HOUR_MS, MINUTE_MS, SCENARIOS, Rows, empty_rows, set_amounts

I64 = npt.NDArray[np.int64]
F64 = npt.NDArray[np.float64]


MOSTLY_AWAKE = np.array([0.4] * 6 + [1.0] * 16 + [0.8] * 2)  # thieves sleep too, if less


@dataclass(frozen=True, slots=True)
class CustomerEvent:
    """An event of customer-events.v1 before it gets its id."""

    customer: int
    kind: str
    time: int  # ms since 1970 UTC
    detail: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Block:
    """A card is dead from `time` on, and its successor has another token."""

    customer: int
    card: int
    time: int


@dataclass
class Scene:
    """Everything one story may look at.

    day:    first local day of the story, days since 1970.
    limit:  rows that the plan still wants; a story may stop there, and is cut off a little later.
    visits: card-present rows of the days (day − 20 … day − 5), on demand.
    """

    draws: Draws
    customers: Customers
    merchants: Merchants
    rng: np.random.Generator
    number: int
    day: int
    limit: int
    visits: Callable[[], Rows]
    events: list[CustomerEvent] = field(default_factory=list)
    blocks: list[Block] = field(default_factory=list)

    def victims(self, n: int) -> I64:
        """`n` different customers who have joined; fewer where the world is smaller."""
        joined = np.flatnonzero(self.customers.joined_day < self.day)
        return np.asarray(self.rng.choice(joined, size=min(n, len(joined)), replace=False))

    def local_start(self, city: int, hours: F64 | None = None) -> int:
        """A moment of the first day in the city's local time, ms UTC; `hours` weighs the 24 hours."""
        weights = MOSTLY_AWAKE if hours is None else hours
        hour = int(self.rng.choice(24, p=weights / weights.sum()))
        local_ms = hour * HOUR_MS + int(self.rng.integers(HOUR_MS))
        return self.day * DAY_MS + local_ms - int(CITY_OFFSET_MIN[city]) * MINUTE_MS

    def rows(self, scenario: str, victims: I64, times: I64) -> Rows:
        """Rows of the story with customer, time and scenario set; ids come with the plan."""
        rows = empty_rows(len(times))
        rows["customer"] = victims
        rows["time"] = times
        rows["scenario"] = SCENARIOS.index(scenario)
        rows["story"] = self.number
        return rows

    def sell_present(self, rows: Rows, kinds: I64, city: int, channel: Any, norm: F64) -> None:
        """Fill in card-present sales in the city at `norm` times what the victim pays for that kind."""
        merchant = self.merchants.pick(np.full(len(rows), city), kinds, self.rng.random(len(rows)))
        self._sell(rows, merchant, channel)
        rows["currency"] = self.merchants.currency[merchant]
        rows["lat"], rows["lon"] = self.merchants.lat[merchant], self.merchants.lon[merchant]
        rows["terminal"] = (self.rng.random(len(rows)) * self.merchants.terminals[merchant]).astype(np.int8)
        rows["offset"] = CITY_OFFSET_MIN[city]
        self.price(rows, norm)

    def sell_remote(self, rows: Rows, kinds: I64, channel: Any, device: int, ip: int, norm: F64) -> None:
        """Fill in remote sales from one device and address."""
        place = np.full(len(rows), REMOTE_PLACE)
        merchant = self.merchants.pick(place, kinds, self.rng.random(len(rows)))
        self._sell(rows, merchant, channel)
        home = self.customers.city[rows["customer"]]
        rows["currency"] = CITY_CURRENCY[home]
        rows["offset"] = CITY_OFFSET_MIN[home]
        rows["device"], rows["ip"] = device, ip
        self.price(rows, norm)

    def _sell(self, rows: Rows, merchant: I64, channel: Any) -> None:
        rows["merchant"] = merchant
        rows["country"] = self.merchants.country[merchant]
        rows["channel"] = channel

    def price(self, rows: Rows, norm: F64) -> None:
        """Amounts at `norm` times the victim's own norm for what is bought."""
        kind = self.merchants.kind[rows["merchant"]]
        spread = np.exp(0.5 * SIGMA[kind] * self.rng.standard_normal(len(rows)))
        set_amounts(rows, MEDIAN_EUR[kind] * self.customers.spend[rows["customer"]] * norm * spread)

    def attacker_device(self) -> int:
        """A device that no customer owns."""
        return int(self.rng.integers(1, 1 << 63))

    def attacker_ip(self, city: int | None = None) -> int:
        """An address in the city's country, anywhere without one."""
        country = int(self.rng.choice(CITY_COUNTRY)) if city is None else int(CITY_COUNTRY[city])
        return (100 << 24) | ((64 + country) << 16) | int(self.rng.integers(1 << 16))

    def seconds_apart(self, n: int, low_s: float, high_s: float) -> I64:
        """`n` growing offsets in ms, the first 0, each gap uniform between the bounds."""
        gaps = self.rng.uniform(low_s, high_s, size=max(n - 1, 0)) * 1000
        return np.concatenate([[0], np.cumsum(gaps)]).astype(np.int64)[:n]
