"""How many different ones: countries, merchants, categories, devices, addresses, cards."""

from __future__ import annotations

from typing import Any, Final

from model.features.compiled import jit
from model.features.entry import DAY
from model.features.feature import Feature, places_of

FEATURES: Final = (
    Feature("distinct_countries_24h", "customer", "distinct", "1", "countries seen", "24h", 0.0, "location"),
    Feature("distinct_merchants_24h", "card", "distinct", "1", "merchants the card was used at", "24h"),
    Feature("distinct_mccs_24h", "card", "distinct", "1", "merchant categories the card was used in", "24h"),
    Feature("distinct_ips_24h", "customer", "distinct", "1", "addresses the customer used", "24h"),
    Feature("distinct_cards_24h", "customer", "distinct", "1", "cards the customer used", "24h"),
    Feature("distinct_devices_30d", "customer", "distinct", "1", "devices the customer used", "30d"),
)
_COUNTRIES, _MERCHANTS, _MCCS, _IPS, _CARDS, _DEVICES = places_of(FEATURES)


@jit
def compute(x: Any, entries: Any, first: int, end: int, out: Any) -> None:
    """An entry counts unless a newer one had the same.

    Quadratic, but over what one customer did in a day (devices: in 30 days), at most CAP entries.
    """
    devices = countries = merchants = mccs = ips = cards = 0
    for j in range(end - 1, first - 1, -1):
        e = entries[j]
        is_recent = x.event_time - e.event_time < DAY
        is_device = e.device != 0
        is_country = is_card = is_recent
        is_ip = is_recent and e.ip != 0
        is_merchant = is_mcc = is_recent and e.card == x.card
        for k in range(j + 1, end):
            if not (is_device or is_country or is_merchant or is_mcc or is_ip or is_card):
                break
            other = entries[k]
            is_device = is_device and other.device != e.device
            is_country = is_country and other.country != e.country
            is_ip = is_ip and other.ip != e.ip
            is_card = is_card and other.card != e.card
            if other.card == x.card:
                is_merchant = is_merchant and other.merchant != e.merchant
                is_mcc = is_mcc and other.mcc != e.mcc
        devices += is_device
        countries += is_country
        merchants += is_merchant
        mccs += is_mcc
        ips += is_ip
        cards += is_card
    out[_COUNTRIES], out[_MERCHANTS], out[_MCCS] = countries, merchants, mccs
    out[_IPS], out[_CARDS], out[_DEVICES] = ips, cards, devices
