"""The row that everything is computed in, before it becomes text: one numpy record a transaction."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from data_pipeline.history.base_amount import to_base_minor
from data_pipeline.synthetic.places import CURRENCY_RATE, CURRENCY_SCALE

CHANNELS: Final = ("chip", "contactless", "swipe", "ecom", "atm", "transfer")
CHIP, CONTACTLESS, SWIPE, ECOM, ATM_CHANNEL, TRANSFER_CHANNEL = range(6)

SCENARIOS: Final = (
    "none",
    "honest_traveller",
    "card_testing",
    "account_takeover",
    "lost_card",
    "compromised_terminal",
    "cloned_card",
    "device_ring",
)
FIRST_FRAUD: Final = 2  # scenarios from here on are fraud

DECLINE_REASONS: Final = ("ok", "insufficient_funds", "limit_exceeded", "wrong_pin", "do_not_honour", "invalid_card")

ROW: Final = np.dtype(
    [
        ("id", np.uint64),
        ("time", np.int64),  # ms since 1970 UTC
        ("offset", np.int32),  # minutes of local time ahead of UTC
        ("customer", np.int64),
        ("card", np.int8),  # which of the customer's cards
        ("merchant", np.int64),
        ("terminal", np.int8),  # -1 without a terminal
        ("amount", np.int64),  # minor units of the currency
        ("base", np.int64),  # hundredths of a euro
        ("currency", np.int8),
        ("country", np.int8),
        ("channel", np.int8),
        ("lat", np.float64),  # NaN for remote sales
        ("lon", np.float64),
        ("device", np.uint64),  # 0 without a device
        ("ip", np.uint32),  # 0 without an address
        ("scenario", np.int8),
        ("decline", np.int8),  # index of DECLINE_REASONS
        ("story", np.int64),  # number of the fraud story, -1 without one
    ]
)
Rows = npt.NDArray[Any]  # of ROW

DAY_MS: Final = 86_400_000
HOUR_MS: Final = 3_600_000
MINUTE_MS: Final = 60_000

CASH_NOTE: Final = CURRENCY_SCALE * 10 * 10 ** np.round(np.log10(CURRENCY_RATE)).astype(np.int64)
"""[currencies]: smallest note that machines pay out, minor units."""


def empty_rows(n: int = 0) -> Rows:
    """`n` rows without place, device, story; all else zero."""
    rows = np.zeros(n, ROW)
    rows["terminal"] = -1
    rows["story"] = -1
    rows["lat"] = rows["lon"] = np.nan
    return rows


def in_log_order(rows: Rows) -> Rows:
    """Sorted by (time, id)."""
    return rows[np.lexsort((rows["id"], rows["time"]))]


def set_amounts(rows: Rows, euros: npt.NDArray[np.float64]) -> None:
    """Fill amount and base from amounts in euros and the rows' currencies, in place."""
    rate, scale = CURRENCY_RATE[rows["currency"]], CURRENCY_SCALE[rows["currency"]]
    rows["amount"] = np.maximum(np.round(euros * rate * scale), 1).astype(np.int64)
    set_base(rows)


def set_base(rows: Rows) -> None:
    """Convert amounts to hundredths of a euro, in place."""
    rate, scale = CURRENCY_RATE[rows["currency"]], CURRENCY_SCALE[rows["currency"]]
    rows["base"] = to_base_minor(rows["amount"], scale, rate)


def round_cash(rows: Rows, is_cash: npt.NDArray[np.bool_]) -> None:
    """Cash comes in notes worth about ten euros; base amounts follow."""
    note = CASH_NOTE[rows["currency"]]
    rows["amount"] = np.where(is_cash, np.maximum(1, np.round(rows["amount"] / note)) * note, rows["amount"])
    set_base(rows)
