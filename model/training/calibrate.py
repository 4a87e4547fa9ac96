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


def build_tables(margin: F8, labels: npt.NDArray[np.bool_]) -> ScoreTables:
    """Tables from the calibration slice: f8[n] margins and their labels, both classes present."""
    calibration_margin, log_odds = _platt(margin, labels)
    good_margin, share_below = _good_shares(margin[~labels])
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


def _good_shares(good: F8) -> tuple[F8, F8]:
    """Margins of good traffic and the share strictly below each.

    Half of the knots are spread evenly over the ranks, half ever closer towards the top, where decisions are
    made. A margin above all good traffic has share 1.
    """
    ordered = np.sort(good)
    distinct = np.unique(ordered)
    if len(distinct) > 2 * _KNOTS:
        n = len(ordered)
        even = np.linspace(0, n - 1, _KNOTS)
        towards_top = n - np.geomspace(1, n, _KNOTS)
        distinct = np.unique(ordered[np.concatenate([even, towards_top]).astype(np.int64)])
    share_below = np.searchsorted(ordered, distinct, side="left") / len(ordered)
    return np.append(distinct, np.nextafter(distinct[-1], np.inf)), np.append(share_below, 1.0)
