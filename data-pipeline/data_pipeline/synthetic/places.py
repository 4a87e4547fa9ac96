"""Cities of the world: country, currency, coordinates, local time. Public facts in one small table.

Local time is standard time all the year: summer time would add a rule to every clock and no behaviour.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from fraud_prevention.domain.reference import RATES_PER_EUR, minor_digits


class City(NamedTuple):
    """`homes` and `trips` are weights: how many customers live there, how many travel there."""

    name: str
    country: str
    currency: str
    lat: float
    lon: float
    utc_offset_min: int
    homes: float
    trips: float


CITIES: Final = (
    City("Vienna", "AT", "EUR", 48.21, 16.37, 60, 7, 3),
    City("Graz", "AT", "EUR", 47.07, 15.44, 60, 3, 1),
    City("Berlin", "DE", "EUR", 52.52, 13.40, 60, 8, 4),
    City("Munich", "DE", "EUR", 48.14, 11.58, 60, 6, 3),
    City("Hamburg", "DE", "EUR", 53.55, 9.99, 60, 5, 2),
    City("Cologne", "DE", "EUR", 50.94, 6.96, 60, 4, 1),
    City("Paris", "FR", "EUR", 48.86, 2.35, 60, 8, 6),
    City("Lyon", "FR", "EUR", 45.76, 4.84, 60, 4, 1),
    City("Marseille", "FR", "EUR", 43.30, 5.37, 60, 4, 2),
    City("Madrid", "ES", "EUR", 40.42, -3.70, 60, 6, 4),
    City("Barcelona", "ES", "EUR", 41.39, 2.17, 60, 5, 6),
    City("Rome", "IT", "EUR", 41.90, 12.50, 60, 5, 6),
    City("Milan", "IT", "EUR", 45.46, 9.19, 60, 5, 3),
    City("Amsterdam", "NL", "EUR", 52.37, 4.90, 60, 5, 4),
    City("Brussels", "BE", "EUR", 50.85, 4.35, 60, 4, 2),
    City("Lisbon", "PT", "EUR", 38.72, -9.14, 0, 4, 4),
    City("Dublin", "IE", "EUR", 53.35, -6.26, 0, 3, 2),
    City("Helsinki", "FI", "EUR", 60.17, 24.94, 120, 3, 1),
    City("Athens", "GR", "EUR", 37.98, 23.73, 120, 3, 4),
    City("London", "GB", "GBP", 51.51, -0.13, 0, 5, 6),
    City("Stockholm", "SE", "SEK", 59.33, 18.07, 60, 2, 2),
    City("Copenhagen", "DK", "DKK", 55.68, 12.57, 60, 2, 2),
    City("Warsaw", "PL", "PLN", 52.23, 21.01, 60, 3, 1),
    City("Prague", "CZ", "CZK", 50.08, 14.44, 60, 2, 3),
    City("Budapest", "HU", "HUF", 47.50, 19.04, 60, 1.5, 2),
    City("Zurich", "CH", "CHF", 47.37, 8.54, 60, 2, 2),
    City("Istanbul", "TR", "TRY", 41.01, 28.98, 180, 1, 4),
    City("New York", "US", "USD", 40.71, -74.01, -300, 3, 5),
    City("Los Angeles", "US", "USD", 34.05, -118.24, -480, 2, 2),
    City("Toronto", "CA", "CAD", 43.65, -79.38, -300, 1.5, 1),
    City("Sao Paulo", "BR", "BRL", -23.55, -46.63, -180, 1, 1),
    City("Tokyo", "JP", "JPY", 35.68, 139.69, 540, 1.5, 3),
    City("Singapore", "SG", "SGD", 1.35, 103.82, 480, 1, 2),
    City("Bangkok", "TH", "THB", 13.76, 100.50, 420, 0.5, 4),
    City("Sydney", "AU", "AUD", -33.87, 151.21, 600, 1, 1),
    City("Mexico City", "MX", "MXN", 19.43, -99.13, -360, 0.5, 2),
)

COUNTRY_CODES: Final = tuple(sorted({city.country for city in CITIES}))
CURRENCY_CODES: Final = tuple(sorted({city.currency for city in CITIES}))

CITY_COUNTRY: Final = np.array([COUNTRY_CODES.index(c.country) for c in CITIES], dtype=np.int64)
CITY_CURRENCY: Final = np.array([CURRENCY_CODES.index(c.currency) for c in CITIES], dtype=np.int64)
CITY_LAT: Final = np.array([c.lat for c in CITIES])
CITY_LON: Final = np.array([c.lon for c in CITIES])
CITY_OFFSET_MIN: Final = np.array([c.utc_offset_min for c in CITIES], dtype=np.int64)
HOME_CDF: Final = np.cumsum([c.homes for c in CITIES]) / sum(c.homes for c in CITIES)
TRIP_CDF: Final = np.cumsum([c.trips for c in CITIES]) / sum(c.trips for c in CITIES)

CURRENCY_RATE: Final = np.array([RATES_PER_EUR[code] for code in CURRENCY_CODES])
CURRENCY_SCALE: Final = np.array([10 ** minor_digits(code) for code in CURRENCY_CODES], dtype=np.int64)
KM_PER_DEGREE: Final = 111.195


def distance_km(lat_a: np.ndarray, lon_a: np.ndarray, lat_b: np.ndarray, lon_b: np.ndarray) -> np.ndarray:
    """Great-circle distance; degrees in, arrays broadcast."""
    a, b, c, d = (np.radians(x) for x in (lat_a, lon_a, lat_b, lon_b))
    h = np.sin((c - a) / 2) ** 2 + np.cos(a) * np.cos(c) * np.sin((d - b) / 2) ** 2
    return np.asarray(2 * 6371.0 * np.arcsin(np.sqrt(np.clip(h, 0.0, 1.0))))
