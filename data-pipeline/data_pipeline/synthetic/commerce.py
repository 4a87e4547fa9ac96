"""What people buy, when, and for how much: kinds of sale, customer segments and their clocks."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

PRESENT, ONLINE, ATM, TRANSFER = range(4)


class Kind(NamedTuple):
    """One kind of sale. `share` weighs it within its mode; amounts are lognormal around `median_eur`."""

    name: str
    mcc: str
    mode: int
    share: float
    median_eur: float
    sigma: float
    clock: str
    weekend: float


KINDS: Final = (
    Kind("grocery", "5411", PRESENT, 30, 28, 0.65, "shop", 1.15),
    Kind("restaurant", "5812", PRESENT, 13, 32, 0.60, "dine", 1.45),
    Kind("fast_food", "5814", PRESENT, 11, 10, 0.45, "dine", 1.15),
    Kind("fuel", "5541", PRESENT, 8, 52, 0.40, "commute", 0.95),
    Kind("transport", "4111", PRESENT, 9, 4, 0.60, "commute", 0.55),
    Kind("pharmacy", "5912", PRESENT, 6, 17, 0.70, "shop", 0.80),
    Kind("clothing", "5651", PRESENT, 5, 55, 0.70, "shop", 1.50),
    Kind("department", "5311", PRESENT, 4, 42, 0.80, "shop", 1.35),
    Kind("home", "5200", PRESENT, 3, 48, 0.90, "shop", 1.40),
    Kind("bar", "5813", PRESENT, 4, 22, 0.60, "night", 1.80),
    Kind("hairdresser", "7230", PRESENT, 2, 34, 0.40, "shop", 1.10),
    Kind("electronics", "5732", PRESENT, 1.2, 120, 0.95, "shop", 1.20),
    Kind("jewellery", "5944", PRESENT, 0.3, 160, 0.90, "shop", 1.20),
    Kind("hotel", "7011", PRESENT, 0.8, 130, 0.60, "dine", 1.10),
    Kind("cash", "6011", ATM, 100, 80, 0.60, "shop", 1.05),
    Kind("retail_online", "5999", ONLINE, 26, 36, 0.90, "evening", 1.10),
    Kind("books_online", "5942", ONLINE, 10, 22, 0.60, "evening", 1.05),
    Kind("clothing_online", "5691", ONLINE, 15, 58, 0.70, "evening", 1.10),
    Kind("streaming", "4899", ONLINE, 12, 11, 0.25, "any", 1.00),
    Kind("software", "5734", ONLINE, 7, 25, 0.80, "evening", 0.90),
    Kind("delivery", "5815", ONLINE, 12, 19, 0.60, "evening", 1.30),
    Kind("games", "5816", ONLINE, 7, 14, 0.80, "evening", 1.30),
    Kind("travel_agency", "4722", ONLINE, 3, 220, 0.80, "evening", 1.00),
    Kind("gambling", "7995", ONLINE, 2, 30, 0.90, "night", 1.30),
    Kind("gift_card", "6540", ONLINE, 2, 40, 0.50, "evening", 1.05),
    Kind("electronics_online", "5045", ONLINE, 4, 110, 0.90, "evening", 1.05),
    Kind("bank_transfer", "4829", TRANSFER, 100, 90, 1.10, "shop", 0.40),
)
INDEX: Final = {kind.name: i for i, kind in enumerate(KINDS)}
MODE: Final = np.array([kind.mode for kind in KINDS])
MEDIAN_EUR: Final = np.array([kind.median_eur for kind in KINDS])
SIGMA: Final = np.array([kind.sigma for kind in KINDS])


class Segment(NamedTuple):
    """Customers alike. `modes`: shares of present, online, cash and transfer; `spend` scales amounts."""

    name: str
    share: float
    txns_per_day: float
    spend: float
    modes: tuple[float, float, float, float]
    later_h: float
    trips: float


SEGMENTS: Final = (
    Segment("student", 0.17, 1.9, 0.60, (0.63, 0.31, 0.04, 0.02), 1.5, 0.45),
    Segment("worker", 0.34, 1.8, 1.00, (0.70, 0.22, 0.05, 0.03), 0.0, 0.30),
    Segment("family", 0.25, 2.1, 1.15, (0.70, 0.23, 0.04, 0.03), -0.3, 0.25),
    Segment("retired", 0.14, 1.1, 0.90, (0.79, 0.09, 0.09, 0.03), -1.5, 0.25),
    Segment("self_employed", 0.10, 2.4, 1.50, (0.62, 0.26, 0.05, 0.07), 0.5, 0.60),
)
SEGMENT_CDF: Final = np.cumsum([s.share for s in SEGMENTS])

_CLOCKS: Final = {
    # relative activity by local hour, 0 to 23
    "shop": (0, 0, 0, 0, 0, 0, 1, 3, 6, 9, 11, 11, 9, 7, 7, 8, 10, 12, 11, 7, 3, 1, 0.3, 0.1),
    "dine": (1, 0.5, 0.2, 0.1, 0.1, 0.3, 1, 3, 4, 3, 3, 7, 14, 12, 5, 3, 4, 6, 11, 15, 12, 8, 4, 2),
    "commute": (0.5, 0.2, 0.1, 0.1, 0.5, 3, 8, 14, 11, 6, 4, 4, 5, 5, 5, 7, 11, 13, 9, 5, 3, 2, 1.5, 1),
    "night": (9, 6, 3, 1, 0.3, 0.1, 0.1, 0.1, 0.2, 0.3, 0.5, 1, 2, 2, 2, 2, 4, 6, 8, 11, 14, 16, 15, 12),
    "evening": (2, 1, 0.5, 0.3, 0.3, 0.5, 1, 3, 4, 5, 5, 5, 6, 6, 5, 5, 6, 7, 8, 11, 13, 12, 9, 5),
    "any": (1,) * 24,
}
HOUR_CDF: Final = np.array([np.cumsum(_CLOCKS[kind.clock]) / sum(_CLOCKS[kind.clock]) for kind in KINDS])
"""[kinds, 24]: share of a kind's sales that happen up to the end of the local hour."""

WEEKDAY: Final = np.array([0.94, 0.92, 0.95, 1.00, 1.14, 1.18, 0.87])
"""Activity by day of the week, Monday first."""


def kind_cdf(segment: Segment, is_weekend: bool) -> np.ndarray:
    """[kinds]: cumulative shares of the kinds that the segment buys on such a day."""
    weights = np.zeros(len(KINDS))
    for mode, mode_share in enumerate(segment.modes):
        members = np.flatnonzero(mode == MODE)
        shares = np.array([KINDS[i].share * (KINDS[i].weekend if is_weekend else 1.0) for i in members])
        weights[members] = mode_share * shares / shares.sum()
    return np.asarray(np.cumsum(weights) / weights.sum())


KIND_CDF: Final = np.array([[kind_cdf(s, is_weekend) for s in SEGMENTS] for is_weekend in (False, True)])
"""[workday or weekend, segments, kinds]."""


def day_factor(day: int) -> float:
    """Activity of a day (days since 1970-01-01): the week, the pay-day and the season."""
    moment = np.datetime64(day, "D")
    day_of_month = int((moment - moment.astype("datetime64[M]")).astype(int)) + 1
    day_of_year = int((moment - moment.astype("datetime64[Y]")).astype(int))
    pay_day = 1.12 if day_of_month in (1, 2, 3, 28, 29, 30, 31) else 0.97 if 18 <= day_of_month <= 25 else 1.0
    season = 1.0 + 0.05 * float(np.cos(2 * np.pi * (day_of_year - 350) / 365.25))
    return float(WEEKDAY[weekday(day)]) * pay_day * season


def weekday(day: int) -> int:
    """0 is Monday; 1970-01-01 was a Thursday."""
    return (day + 3) % 7
