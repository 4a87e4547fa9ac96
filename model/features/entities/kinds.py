"""The kinds of shared entities and the bounds of what is kept of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

DAY_MS: Final = 86_400_000
HOUR_MS: Final = 3_600_000
# What is kept of the labels of one entity; beyond it the oldest are forgotten.
LABEL_CAP: Final = 1_024
# Labels and day tiles reach as far back as the longest delayed window: 30 days behind 7 of delay.
MEMORY_DAYS: Final = 37
# With an hour for events that are a little late.
MEMORY_MS: Final = MEMORY_DAYS * DAY_MS + HOUR_MS


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of shared entity.

    ring_ms: how long a sighting is kept exactly; cap: how many, newest first, count exactly at most; has_tiles: whether what
    leaves the ring goes on counting in tiles of one UTC day; column: where `transactions.v1` names it.
    """

    name: str
    letter: bytes
    column: str
    ring_ms: int
    cap: int
    has_tiles: bool


MERCHANT: Final = Kind("merchant", b"m", "merchant_id", 25 * HOUR_MS, 1_024, True)
TERMINAL: Final = Kind("terminal", b"t", "terminal_id", MEMORY_MS, 1_024, True)
DEVICE: Final = Kind("device", b"d", "device_id", 7 * DAY_MS + HOUR_MS, 256, False)
NETWORK: Final = Kind("network", b"n", "ip", 25 * HOUR_MS, 1_024, False)

KINDS: Final = (MERCHANT, TERMINAL, DEVICE, NETWORK)
RINGS_MS: Final = np.array([k.ring_ms for k in KINDS], np.int64)
# More are kept than count, so that an event which is a little late still finds the full cap before it.
KEPT: Final = np.array([k.cap + k.cap // 4 for k in KINDS], np.int64)
HAS_TILES: Final = np.array([k.has_tiles for k in KINDS])
