"""Who lives in the world: customers with habits and homes, merchants with a category and a place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from data_pipeline.synthetic.commerce import KINDS, ONLINE, SEGMENT_CDF, SEGMENTS, TRANSFER
from data_pipeline.synthetic.places import (
    CITIES,
    CITY_COUNTRY,
    CITY_CURRENCY,
    CITY_LAT,
    CITY_LON,
    HOME_CDF,
    KM_PER_DEGREE,
)
from data_pipeline.synthetic.randomness import Draws

I64 = npt.NDArray[np.int64]
F64 = npt.NDArray[np.float64]

REMOTE_PLACE = len(CITIES)  # remote merchants sit in a place of their own, after the cities
CITY_RADIUS_KM = 3.5


@dataclass(frozen=True)
class Customers:
    """One entry a customer, arrays of length n."""

    count: int
    index: I64
    segment: I64
    city: I64
    spend: F64  # scale of amounts
    txns_per_day: F64
    later_ms: I64  # how much later than others the day runs
    cards: I64  # one or two
    contactless: F64  # share of card-present sales that are contactless
    joined_day: I64
    device_life_days: I64
    trip_chance: F64  # of a trip in each period of 45 days
    tells_bank: F64  # chance that a trip is announced


def draw_customers(draws: Draws, count: int, first_day: int) -> Customers:
    """A population; each customer follows from (seed, index). About 8 % join after the first day."""
    index = np.arange(count, dtype=np.int64)
    own = draws.keyed(index)
    segment = np.searchsorted(SEGMENT_CDF, own.uniform("segment") * SEGMENT_CDF[-1], side="right")
    segment = np.minimum(segment, len(SEGMENTS) - 1)
    spend = np.array([s.spend for s in SEGMENTS])[segment] * np.exp(0.40 * own.normal("spend"))
    rate = np.array([s.txns_per_day for s in SEGMENTS])[segment] * np.exp(0.45 * own.normal("rate") - 0.10)
    later_h = np.array([s.later_h for s in SEGMENTS])[segment] + 0.8 * own.normal("later")
    is_late_joiner = own.uniform("joins late") < 0.08
    joined = np.where(is_late_joiner, first_day + own.below("joined", 120), first_day - 30)
    return Customers(
        count=count,
        index=index,
        segment=segment.astype(np.int64),
        city=np.searchsorted(HOME_CDF, own.uniform("home"), side="right").astype(np.int64),
        spend=spend,
        txns_per_day=np.minimum(rate, 8.0),
        later_ms=(later_h * 3_600_000).astype(np.int64),
        cards=1 + (own.uniform("cards") < 0.28).astype(np.int64),
        contactless=0.35 + 0.6 * own.uniform("contactless"),
        joined_day=joined.astype(np.int64),
        device_life_days=400 + own.below("device life", 700),
        trip_chance=np.array([s.trips for s in SEGMENTS])[segment],
        tells_bank=np.where(own.uniform("tells bank") < 0.5, 0.8, 0.1),
    )


@dataclass(frozen=True)
class Merchants:
    """One entry a merchant, sorted by (place, kind), the most popular of each group first."""

    count: int
    place: I64  # city, or REMOTE_PLACE
    kind: I64
    country: I64
    currency: I64
    lat: F64  # NaN for remote merchants
    lon: F64
    terminals: I64
    group_start: I64  # [places, kinds] first merchant of the group
    group_count: I64  # [places, kinds]

    def pick(self, place: Any, kind: Any, uniform: F64) -> I64:
        """A merchant of each (place, kind), by Zipf: the k-th most popular with weight about 1/k."""
        start, count = self.group_start[place, kind], self.group_count[place, kind]
        rank = np.floor(np.exp(uniform * np.log(count + 1.0))).astype(np.int64) - 1
        return np.asarray(start + np.minimum(rank, count - 1))


def draw_merchants(draws: Draws, customers: int) -> Merchants:
    """Merchants for a population: about one to four customers, and never an empty group where one is needed."""
    homes = np.array([city.homes for city in CITIES])
    share = np.array([kind.share for kind in KINDS])
    is_remote = np.array([kind.mode in (ONLINE, TRANSFER) for kind in KINDS])
    counts = np.zeros((REMOTE_PLACE + 1, len(KINDS)), dtype=np.int64)
    in_cities = np.outer(homes / homes.sum(), np.where(is_remote, 0.0, np.minimum(share, 15))) * customers / 350
    counts[:REMOTE_PLACE] = np.where(is_remote, 0, np.maximum(3, np.round(in_cities)))
    counts[REMOTE_PLACE] = np.where(is_remote, np.maximum(12, np.round(np.minimum(share, 30) * customers / 1500)), 0)

    place = np.repeat(np.arange(REMOTE_PLACE + 1), counts.sum(axis=1))
    kind = np.concatenate([np.repeat(np.arange(len(KINDS)), row) for row in counts])
    starts = np.concatenate([[0], np.cumsum(counts.ravel())[:-1]]).reshape(counts.shape)
    own = draws.keyed(np.arange(len(place)), 1)
    # A remote merchant is registered somewhere: the larger the market, the likelier.
    registered = np.searchsorted(HOME_CDF, own.uniform("registered"), side="right")
    city = np.where(place == REMOTE_PLACE, registered, np.minimum(place, REMOTE_PLACE - 1))
    km_per_lon = KM_PER_DEGREE * np.cos(np.radians(CITY_LAT[city]))
    lat = CITY_LAT[city] + CITY_RADIUS_KM * own.normal("lat") / KM_PER_DEGREE
    lon = CITY_LON[city] + CITY_RADIUS_KM * own.normal("lon") / km_per_lon
    return Merchants(
        count=len(place),
        place=place.astype(np.int64),
        kind=kind.astype(np.int64),
        country=CITY_COUNTRY[city],
        currency=CITY_CURRENCY[city],
        lat=np.where(place == REMOTE_PLACE, np.nan, np.round(lat, 5)),
        lon=np.where(place == REMOTE_PLACE, np.nan, np.round(lon, 5)),
        terminals=1 + own.below("terminals", 4),
        group_start=starts.astype(np.int64),
        group_count=counts,
    )
