"""Tables that make margins comparable: to money (a probability) and across models (a rank among good traffic).

Both are drawn from a slice later than the one the trees saw, with its natural share of fraud.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression

from model.inference.tables import ScoreTables

F8 = npt.NDArray[np.float64]
_KNOTS: Final = 1_000
# Plain traffic: at most this share of the good, below which at most that share of the fraud is found.
_PLAIN_SHARE: Final = 0.6
_PLAIN_FRAUD_SHARE: Final = 0.02


def build_tables(margin: F8, labels: npt.NDArray[np.bool_]) -> ScoreTables:
    """Tables from the calibration slice: f8[n] margins and their labels, both classes present."""
    calibration_margin, log_odds = _platt(margin, labels)
    good_margin, share_below = _good_shares(margin, labels)
    return ScoreTables(calibration_margin, log_odds, good_margin, share_below)


def _platt(margin: F8, labels: npt.NDArray[np.bool_]) -> tuple[F8, F8]:
    """Two knots of the line through the log odds: strictly rising, so that a probability keeps the order."""
    fitted = LogisticRegression(C=1e6).fit(margin[:, None], labels)
    slope, offset = float(fitted.coef_[0, 0]), float(fitted.intercept_[0])
    if slope <= 0:
        # The slice contradicts the trees, which a handful of frauds can do: keep their odds, mend the level only.
        slope = 1.0
        offset = float(np.log(labels.mean() / (1 - labels.mean())) - margin.mean())
    knots = np.array([margin.min(), max(margin.max(), margin.min() + 1.0)])
    return knots, slope * knots + offset


def _good_shares(margin: F8, labels: npt.NDArray[np.bool_]) -> tuple[F8, F8]:
    """Margins of good traffic and the share strictly below each.

    Up to a floor all margins count as equal, and have share 0: among plain transactions the slice shows no
    difference in fraud, so an order among them would be noise, and another one in each version. Half of the
    knots are spread evenly over the ranks, half ever closer towards the top, where decisions are made. A
    margin above all good traffic has share 1.
    """
    good = np.sort(margin[~labels])
    n = len(good)
    even = np.linspace(0, n - 1, _KNOTS)
    towards_top = n - np.geomspace(1, n, _KNOTS)
    distinct = np.unique(good[np.concatenate([even, towards_top]).astype(np.int64)])
    floor = min(float(good[int(_PLAIN_SHARE * (n - 1))]), float(np.quantile(margin[labels], _PLAIN_FRAUD_SHARE)))
    distinct = distinct[distinct > floor]
    share_below = np.searchsorted(good, distinct, side="left") / n
    knots = np.concatenate([[floor], distinct])
    shares = np.concatenate([[0.0], share_below])
    return np.append(knots, np.nextafter(knots[-1], np.inf)), np.append(shares, 1.0)
