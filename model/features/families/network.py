"""How busy a network is: the addresses that share an IP prefix (three bytes of IPv4, 48 bits of IPv6)."""

from __future__ import annotations

from typing import Any, Final

from model.features.compiled import jit
from model.features.entities.feature import shared
from model.features.entities.kinds import NETWORK
from model.features.entities.read import DAY, HOUR, distinct_cards, horizon
from model.features.feature import places_of

FEATURES: Final = (
    shared("network_txn_count_1h", "network", "count", "1", "transactions from the network", "1h"),
    shared("network_txn_count_24h", "network", "count", "1", "transactions from the network", "24h"),
    shared("network_distinct_cards_1h", "network", "distinct", "1", "cards used from the network", "1h"),
    shared("network_distinct_cards_24h", "network", "distinct", "1", "cards used from the network", "24h"),
)

_COUNT_1H, _COUNT_24H, _CARDS_1H, _CARDS_24H = places_of(FEATURES)
_CAP: Final = NETWORK.cap


@jit
def compute(now: int, s: Any, c: int, memory: Any, out: Any) -> None:
    """The network's features at the time of an event, from record c."""
    until = horizon(now)
    count_1h = count_24h = 0
    begin = s.starts[c]
    rank = 0
    for j in range(begin + int(s.headers[c].count) - 1, begin - 1, -1):
        at = s.sightings[j].when >> 8
        if at > until:
            continue
        rank += 1
        if at <= until - DAY or rank > _CAP:
            break
        count_24h += 1
        count_1h += at > until - HOUR
    cards_1h = distinct_cards(s, c, until - HOUR, until, _CAP, memory)
    cards_24h = distinct_cards(s, c, until - DAY, until, _CAP, memory)
    out[_COUNT_1H], out[_COUNT_24H] = count_1h, count_24h
    out[_CARDS_1H], out[_CARDS_24H] = cards_1h, cards_24h
