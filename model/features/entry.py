"""Reads the fields of an entry that share a word, and the constants of time and money."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from fraud_prevention.domain.transaction import CHANNELS
from model.features.compiled import jit
from model.features.record import DECLINED

MINUTE: Final = 60_000
HOUR: Final = 3_600_000
DAY: Final = 86_400_000
SMALL_AMOUNT: Final = 500
TERMINAL_BITS: Final = 24
TERMINAL_MASK: Final = (1 << TERMINAL_BITS) - 1

_ECOM: Final = CHANNELS.index("ecom")
_TRANSFER: Final = CHANNELS.index("transfer")


def money(amount: NDArray[np.int64], terminal: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The word of amounts (minor units, from 0 to 2^40) and terminals' 64-bit codes (0 where none is named)."""
    return amount.astype(np.uint64) << np.uint64(TERMINAL_BITS) | terminal & np.uint64(TERMINAL_MASK)


@jit
def amount_of(e: Any) -> int:
    """Base currency, minor units."""
    return np.int64(e.money >> np.uint64(TERMINAL_BITS))  # type: ignore[return-value]  # an int to compiled code


@jit
def terminal_of(e: Any) -> int:
    """Low bits of the terminal's code, 0 where the event names none."""
    return np.int64(e.money & np.uint64(TERMINAL_MASK))  # type: ignore[return-value]  # an int to compiled code


@jit
def is_declined(e: Any) -> bool:
    """The issuer declined it: an attempt, but no money."""
    return bool(e.flags & DECLINED != 0)


@jit
def is_present(channel: int) -> bool:
    """A card or person was at the merchant, so the place of the merchant is the place of the customer."""
    return channel not in (_ECOM, _TRANSFER)
