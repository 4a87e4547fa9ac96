"""What the customer, or the card, has not been seen with in the last 30 days."""

from __future__ import annotations

from typing import Any, Final

from model.features.compiled import jit
from model.features.entry import terminal_of
from model.features.feature import Entity, Feature, PiiClass, places_of


def _novelty(name: str, entity: Entity, what: str, default: float = 1.0, pii: PiiClass = "behaviour") -> Feature:
    without = "1 without history" if default else "0 where the event names none"
    return Feature(name, entity, "novelty", "0/1", f"{what} not seen; {without}", "30d", default, pii)


FEATURES: Final = (
    _novelty("is_new_merchant_30d", "customer", "merchant"),
    _novelty("is_new_mcc_30d", "customer", "category"),
    _novelty("is_new_country_30d", "customer", "country", 1.0, "location"),
    _novelty("is_new_device_30d", "customer", "device", 0.0),
    _novelty("is_new_ip_30d", "customer", "address", 0.0),
    _novelty("is_new_card_30d", "customer", "card"),
    _novelty("is_new_terminal_30d", "card", "terminal", 0.0),
)
_MERCHANT, _MCC, _COUNTRY, _DEVICE, _IP, _CARD, _TERMINAL = places_of(FEATURES)


@jit
def compute(x: Any, entries: Any, first: int, end: int, out: Any) -> None:
    """What of event x none of the entries [first, end) has."""
    merchant = mcc = country = card = 1.0
    device = 1.0 if x.device != 0 else 0.0
    ip = 1.0 if x.ip != 0 else 0.0
    own = terminal_of(x)
    terminal = 1.0 if own != 0 else 0.0
    for j in range(end - 1, first - 1, -1):
        e = entries[j]
        if e.merchant == x.merchant:
            merchant = 0.0
        if e.mcc == x.mcc:
            mcc = 0.0
        if e.country == x.country:
            country = 0.0
        if e.device == x.device:
            device = 0.0
        if e.ip == x.ip:
            ip = 0.0
        if e.card == x.card:
            card = 0.0
            if terminal_of(e) == own:
                terminal = 0.0
    out[_MERCHANT], out[_MCC], out[_COUNTRY], out[_CARD] = merchant, mcc, country, card
    out[_DEVICE], out[_IP], out[_TERMINAL] = device, ip, terminal
