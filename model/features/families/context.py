"""The transaction itself."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from fraud_prevention.domain.reference import HIGH_RISK_MCCS
from fraud_prevention.domain.transaction import CHANNELS
from model.features.compiled import jit
from model.features.entry import amount_of, is_present
from model.features.feature import Feature, places_of
from model.features.record import FOREIGN_CURRENCY, WEEKEND


def _context(name: str, unit: str, description: str) -> Feature:
    return Feature(name, "transaction", "value", unit, description, includes_current=True, pii="none")


FEATURES: Final = (
    _context("amount_base_minor", "base minor", "the amount in the base currency"),
    _context("local_hour", "h", "hour of the day at the place of the transaction, 0 to 23"),
    _context("is_weekend", "0/1", "Saturday or Sunday at the place of the transaction"),
    _context("is_night", "0/1", "local hour 0 to 5"),
    _context("is_remote", "0/1", "neither card nor person present: ecom or transfer"),
    _context("is_cash", "0/1", "cash withdrawal"),
    _context("is_high_risk_mcc", "0/1", "category whose goods turn into money quickly"),
    _context("is_foreign_currency", "0/1", "not in the base currency"),
    _context("is_round_amount", "0/1", "a multiple of 10.00"),
)
_AMOUNT, _HOUR, _WEEKEND, _NIGHT, _REMOTE, _CASH, _RISKY, _FOREIGN, _ROUND = places_of(FEATURES)
_ATM: Final = CHANNELS.index("atm")
_RISKY_MCCS: Final = np.array(sorted(HIGH_RISK_MCCS), np.uint16)
_ROUND_MINOR: Final = 1_000


@jit
def compute(x: Any, out: Any) -> None:
    """The features of event x alone."""
    amount = amount_of(x)
    out[_AMOUNT] = amount
    out[_HOUR] = x.local_hour
    out[_WEEKEND] = 1.0 if x.flags & WEEKEND else 0.0
    out[_NIGHT] = 1.0 if x.local_hour < 6 else 0.0
    out[_REMOTE] = 0.0 if is_present(x.channel) else 1.0
    out[_CASH] = 1.0 if x.channel == _ATM else 0.0
    out[_FOREIGN] = 1.0 if x.flags & FOREIGN_CURRENCY else 0.0
    out[_ROUND] = 1.0 if amount % _ROUND_MINOR == 0 else 0.0
    out[_RISKY] = 0.0
    for code in _RISKY_MCCS:
        if x.mcc == code:
            out[_RISKY] = 1.0
