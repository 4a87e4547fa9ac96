"""How far from the last place and from the usual one, and whether anyone could have travelled so fast."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from model.features.compiled import jit
from model.features.entry import HOUR, MINUTE, is_present
from model.features.feature import Feature, places_of


def _place(name: str, aggregate: str, unit: str, description: str, default: float = -1.0) -> Feature:
    return Feature(name, "customer", aggregate, unit, description, "30d", default, "location", includes_current=True)


FEATURES: Final = (
    _place("distance_from_last_km", "distance", "km",
           "from the last place where a card was present; only where one is present now"),
    _place("speed_from_last_kmh", "speed", "km/h", "needed to get here from that place, at least a minute assumed"),
    _place("is_impossible_travel", "flag", "0/1", "farther than 50 km, faster than 900 km/h", 0.0),
    _place("distance_from_usual_km", "distance", "km", "from the mean place of the customer's card-present transactions"),
)  # fmt: skip
_DISTANCE, _SPEED, _IMPOSSIBLE, _FROM_USUAL = places_of(FEATURES)
EARTH_DIAMETER_KM: Final = 12_742.0
_NEAR_KM: Final = 50.0
_AIRLINER_KMH: Final = 900.0


@jit
def _km(lat1: float, lon1: float, lat2: float, lon2: float) -> float:
    """Great-circle distance of two points in degrees (haversine)."""
    rad = np.pi / 180.0
    a = np.sin(rad * (lat2 - lat1) / 2.0) ** 2
    a += np.cos(rad * lat1) * np.cos(rad * lat2) * np.sin(rad * (lon2 - lon1) / 2.0) ** 2
    return float(EARTH_DIAMETER_KM * np.arcsin(np.sqrt(min(1.0, a))))


@jit
def compute(x: Any, entries: Any, first: int, end: int, out: Any) -> None:
    """Needs a place now, and at least one among the entries [first, end)."""
    if not is_present(x.channel) or np.isnan(x.lat):
        return
    placed = 0
    lat = lon = 0.0
    for j in range(end - 1, first - 1, -1):
        e = entries[j]
        if not is_present(e.channel) or np.isnan(e.lat):
            continue
        if placed == 0:
            km = _km(e.lat, e.lon, x.lat, x.lon)
            speed = km / (max(x.event_time - e.event_time, MINUTE) / HOUR)
            out[_DISTANCE] = km
            out[_SPEED] = speed
            out[_IMPOSSIBLE] = 1.0 if km > _NEAR_KM and speed > _AIRLINER_KMH else 0.0
        placed += 1
        lat += e.lat
        lon += e.lon
    if placed > 0:
        out[_FROM_USUAL] = _km(lat / placed, lon / placed, x.lat, x.lon)
