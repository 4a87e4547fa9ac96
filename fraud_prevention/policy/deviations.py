"""Which features of a stopped transaction are unusual, strongest first: the reasons beside rules and score.

A deviation is a feature at or beyond a level. Its strength is comparable between features: 1 at the level,
twice that at twice the level (for flags and shares a fixed weight). Pure numpy, no knowledge of the model.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from fraud_prevention.domain.errors import InvalidPolicy

MAX_DEVIATIONS: Final = 4


@dataclass(frozen=True, slots=True)
class Deviation:
    """`feature` at or above `level` (or at or below it, but not missing) raises `reason_code`."""

    reason_code: str
    feature: str
    level: float
    weight: float | None = None  # None: value / level
    is_low: bool = False


DEVIATIONS: Final = (
    Deviation("AMOUNT_ABOVE_USUAL", "amount_to_card_mean_30d", 3.0),
    Deviation("AMOUNT_OUTLIER", "amount_zscore_card_30d", 3.0),
    Deviation("MANY_IN_AN_HOUR", "card_txn_count_1h", 4.0),
    Deviation("MANY_IN_A_DAY", "card_txn_count_24h", 12.0),
    Deviation("SMALL_AMOUNTS", "small_amount_count_1h", 3.0),
    Deviation("SAME_MERCHANT_AGAIN", "same_merchant_count_24h", 4.0),
    Deviation("MANY_MERCHANTS", "distinct_merchants_24h", 8.0),
    Deviation("MANY_DEVICES", "distinct_devices_30d", 5.0),
    Deviation("FAST_TRAVEL", "speed_from_last_kmh", 300.0),
    Deviation("FAR_FROM_USUAL", "distance_from_usual_km", 500.0),
    Deviation("NEW_COUNTRY", "is_new_country_30d", 1.0, weight=1.6),
    Deviation("NEW_DEVICE", "is_new_device_30d", 1.0, weight=1.4),
    Deviation("NEW_MERCHANT", "is_new_merchant_30d", 1.0, weight=0.8),
    Deviation("NEW_CATEGORY", "is_new_mcc_30d", 1.0, weight=0.9),
    Deviation("UNUSUAL_HOUR", "hour_share_30d", 0.02, weight=1.3, is_low=True),
    Deviation("HIGH_RISK_CATEGORY", "is_high_risk_mcc", 1.0, weight=1.1),
)


class DeviationTable:
    """DEVIATIONS bound to the columns of one catalogue."""

    def __init__(self, feature_names: tuple[str, ...]) -> None:
        """Raises InvalidPolicy where the catalogue lacks a feature of the table."""
        missing = sorted({d.feature for d in DEVIATIONS} - set(feature_names))
        if missing:
            raise InvalidPolicy("deviations", f"the catalogue has no {', '.join(missing)}")
        self._columns = np.array([feature_names.index(d.feature) for d in DEVIATIONS])
        self._levels = np.array([d.level for d in DEVIATIONS])
        self._fixed = np.array([np.nan if d.weight is None else d.weight for d in DEVIATIONS])
        self._is_low = np.array([d.is_low for d in DEVIATIONS])
        self._codes = tuple(d.reason_code for d in DEVIATIONS)

    def strongest(self, features: npt.NDArray[np.float64]) -> list[tuple[str, ...]]:
        """At most MAX_DEVIATIONS codes for each row of float64[n, F], strongest first, ties in table order."""
        values = features[:, self._columns]
        is_beyond = np.where(self._is_low, (values >= 0.0) & (values <= self._levels), values >= self._levels)
        strength = np.where(np.isnan(self._fixed), values / self._levels, self._fixed)
        strength = np.where(is_beyond, strength, -1.0)
        order = np.argsort(-strength, axis=1, kind="stable")[:, :MAX_DEVIATIONS]
        counts = np.minimum(is_beyond.sum(axis=1), MAX_DEVIATIONS).tolist()
        codes = self._codes
        return [tuple(codes[i] for i in row[:count]) for row, count in zip(order.tolist(), counts, strict=True)]
