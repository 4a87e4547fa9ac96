"""What becomes known after a transaction: the issuer's answer, and labels that arrive late, wrong or never."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from data_pipeline.synthetic.randomness import Draws
from data_pipeline.synthetic.rows import DAY_MS, FIRST_FRAUD, HOUR_MS, SCENARIOS, Rows

NEVER_REPORTED: Final = 0.13  # of stories' victims; another part of their rows is overlooked
OVERLOOKED: Final = 0.03
FALSE_REPORT: Final = 0.0004  # of honest remote payments: forgotten subscriptions, family members
REVERSED: Final = 0.6  # of false reports

LONGEST_DELAY_DAYS: Final = 60
SLOWEST_ANSWER_MS: Final = 2_000
_DELAY_DAYS: Final = {
    "card_testing": (1.0, 5.0),
    "account_takeover": (1.0, 14.0),
    "lost_card": (0.3, 4.0),
    "compromised_terminal": (7.0, 45.0),
    "cloned_card": (3.0, 20.0),
    "device_ring": (10.0, 45.0),
}
_LOW: Final = np.array([_DELAY_DAYS.get(name, (0.0, 0.0))[0] for name in SCENARIOS])
_HIGH: Final = np.array([_DELAY_DAYS.get(name, (0.0, 0.0))[1] for name in SCENARIOS])

SOURCES: Final = ("officer", "chargeback", "customer")
LABEL: Final = np.dtype(
    [
        ("id", np.uint64),
        ("row", np.int64),  # position of the transaction in the rows given
        ("is_fraud", np.bool_),
        ("source", np.int8),
        ("observed", np.int64),
        ("confidence", np.float64),
    ]
)


def answered_at(draws: Draws, rows: Rows) -> npt.NDArray[np.int64]:
    """When the issuer's answer to each row was known: 0.1 to 2 seconds later."""
    return np.asarray(rows["time"] + 100 + draws.keyed(rows["id"], 10).below("answer", SLOWEST_ANSWER_MS - 100))


def labels_of(draws: Draws, rows: Rows) -> npt.NDArray[Any]:
    """Labels (of LABEL) that ever arrive for the rows, in the order in which they are observed."""
    parts = [_reports(draws, rows), *_false_reports(draws, rows)]
    labels = np.concatenate(parts)
    return labels[np.lexsort((labels["id"], labels["observed"]))]


def _blank(draws: Draws, rows: Rows, which: npt.NDArray[np.int64], purpose: str) -> npt.NDArray[Any]:
    labels = np.zeros(len(which), LABEL)
    labels["row"] = which
    labels["id"] = draws.keyed(rows["id"][which], 11).word(purpose)
    return labels


def _reports(draws: Draws, rows: Rows) -> npt.NDArray[Any]:
    """A victim reports a story at once, so all of its rows share one delay."""
    which = np.flatnonzero(rows["scenario"] >= FIRST_FRAUD)
    fraud = rows[which]
    victim = draws.keyed(fraud["story"], fraud["customer"], 12)
    own = draws.keyed(fraud["id"], 13)
    is_told = (victim.uniform("reported") >= NEVER_REPORTED) & (own.uniform("overlooked") >= OVERLOOKED)
    which, fraud = which[is_told], fraud[is_told]
    labels = _blank(draws, rows, which, "report")
    low, high = _LOW[fraud["scenario"]], _HIGH[fraud["scenario"]]
    days = low + (high - low) * victim.uniform("delay")[is_told] ** 1.5
    labels["observed"] = fraud["time"] + (days * DAY_MS).astype(np.int64)
    labels["is_fraud"] = True
    labels["source"] = np.where(victim.uniform("source")[is_told] < 0.3, 2, 1)
    labels["confidence"] = np.where(labels["source"] == 1, 0.95, 0.85)
    return labels


def _false_reports(draws: Draws, rows: Rows) -> list[npt.NDArray[Any]]:
    """Honest payments that are disputed, most of which an officer sets right."""
    own = draws.keyed(rows["id"], 14)
    is_honest = (rows["scenario"] < FIRST_FRAUD) & (rows["device"] != 0)
    which = np.flatnonzero(is_honest & (own.uniform("disputed") < FALSE_REPORT))
    disputes = _blank(draws, rows, which, "dispute")
    delay_h = 24 * (2.0 + 33.0 * own.uniform("dispute delay")[which])
    disputes["observed"] = rows["time"][which] + (delay_h * HOUR_MS).astype(np.int64)
    disputes["is_fraud"] = True
    disputes["source"] = 2
    disputes["confidence"] = 0.6
    is_reversed = own.uniform("reversed")[which] < REVERSED
    reversals = _blank(draws, rows, which[is_reversed], "reversal")
    later_h = 24 * (2.0 + 13.0 * own.uniform("reversal delay")[which][is_reversed])
    reversals["observed"] = disputes["observed"][is_reversed] + (later_h * HOUR_MS).astype(np.int64)
    reversals["is_fraud"] = False
    reversals["source"] = 0
    reversals["confidence"] = 1.0
    return [disputes, reversals]
