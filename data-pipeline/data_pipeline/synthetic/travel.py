"""Legitimate travel: who is where on a day. At most one trip a customer in each period of 45 days."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from data_pipeline.synthetic.places import CITY_LAT, CITY_LON, TRIP_CDF, distance_km
from data_pipeline.synthetic.population import Customers
from data_pipeline.synthetic.randomness import Draws

PERIOD_DAYS = 45
FAR_KM = 1500.0
LEAVES_AT_H, ARRIVES_AT_H = 6, 21  # local hours of a travel day between which nothing is bought


@dataclass(frozen=True)
class Trips:
    """One entry a customer; without a trip in the period `first_day` is after `last_day`."""

    first_day: npt.NDArray[np.int64]
    last_day: npt.NDArray[np.int64]
    city: npt.NDArray[np.int64]
    is_announced: npt.NDArray[np.bool_]
    is_far: npt.NDArray[np.bool_]


def draw_trips(draws: Draws, customers: Customers, period: int) -> Trips:
    """Trips of the 45 days that start at day 45 × period; a trip ends within its period."""
    own = draws.keyed(customers.index, period, 2)
    nights = 3 + own.below("nights", 8)
    first = period * PERIOD_DAYS + own.below("start", PERIOD_DAYS - nights)
    city = np.searchsorted(TRIP_CDF, own.uniform("city"), side="right").astype(np.int64)
    goes = (own.uniform("goes") < customers.trip_chance) & (city != customers.city)
    home = customers.city
    km = distance_km(CITY_LAT[home], CITY_LON[home], CITY_LAT[city], CITY_LON[city])
    return Trips(
        first_day=np.where(goes, first, 1),
        last_day=np.where(goes, first + nights, 0),
        city=city,
        is_announced=goes & (own.uniform("announced") < customers.tells_bank),
        is_far=km > FAR_KM,
    )
