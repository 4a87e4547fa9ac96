"""How busy a network is: the addresses that share an IP prefix (three bytes of IPv4, 48 bits of IPv6)."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from model.features.compiled import jit
from model.features.entities.feature import shared
from model.features.entities.kinds import NETWORK
from model.features.entities.read import DAY, HOUR, count_recent, distinct_cards, horizon
from model.features.feature import places_of

FEATURES: Final = (
    shared("network_txn_count_1h", "network", "count", "1", "transactions from the network", "1h"),
    shared("network_txn_count_24h", "network", "count", "1", "transactions from the network", "24h"),
    shared("network_distinct_cards_1h", "network", "distinct", "1", "cards used from the network", "1h"),
    shared("network_distinct_cards_24h", "network", "distinct", "1", "cards used from the network", "24h"),
)

_COUNTS, _, _CARDS_1H, _CARDS_24H = places_of(FEATURES)
_WINDOWS_MS: Final = np.array([HOUR, DAY], np.int64)  # of the counts, which stand side by side
_CAP: Final = NETWORK.cap


@jit
def compute(now: int, s: Any, c: int, memory: Any, out: Any) -> None:
    """The network's features at the time of an event, from record c."""
    until = horizon(now)
    count_recent(s, c, until, _WINDOWS_MS, _CAP, out[_COUNTS:])
    out[_CARDS_1H] = distinct_cards(s, c, until - HOUR, until, _CAP, memory)
    out[_CARDS_24H] = distinct_cards(s, c, until - DAY, until, _CAP, memory)
