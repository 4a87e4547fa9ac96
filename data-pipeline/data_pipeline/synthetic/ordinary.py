"""A day of honest life: every customer's transactions of one local day, drawn as columns."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from data_pipeline.synthetic.commerce import (
    ATM,
    HOUR_CDF,
    KIND_CDF,
    MEDIAN_EUR,
    MODE,
    PRESENT,
    SIGMA,
    TRANSFER,
    day_factor,
    weekday,
)
from data_pipeline.synthetic.places import CITY_COUNTRY, CITY_CURRENCY, CITY_OFFSET_MIN, COUNTRY_CODES
from data_pipeline.synthetic.population import REMOTE_PLACE, Customers, Merchants
from data_pipeline.synthetic.randomness import Draws, Keyed
from data_pipeline.synthetic.rows import (
    ATM_CHANNEL,
    CHIP,
    CONTACTLESS,
    DAY_MS,
    ECOM,
    HOUR_MS,
    MINUTE_MS,
    SWIPE,
    TRANSFER_CHANNEL,
    Rows,
    empty_rows,
    round_cash,
    set_amounts,
)
from data_pipeline.synthetic.travel import ARRIVES_AT_H, LEAVES_AT_H, Trips

MAX_A_DAY = 14
SWIPING_COUNTRIES = np.isin(COUNTRY_CODES, ["US", "MX"])
I64 = npt.NDArray[np.int64]


def ordinary_day(draws: Draws, customers: Customers, merchants: Merchants, trips: Trips, day: int) -> Rows:
    """Honest transactions of the local day `day` (days since 1970), in no particular order."""
    who = np.repeat(customers.index, counts_of(draws, customers, day))
    slot = np.arange(len(who)) - np.searchsorted(who, who, side="left")
    own = draws.keyed(who, day, slot)
    local_ms, kind = _when_and_what(own, customers, who, day)
    city, is_away, is_flying = _where(customers, trips, who, day, local_ms)
    stays = ~is_flying
    own, who, local_ms, kind = Keyed(own.key[stays]), who[stays], local_ms[stays], kind[stays]
    city, is_away = city[stays], is_away[stays]

    rows = empty_rows(len(who))
    rows["id"] = own.word("id")
    rows["customer"] = who
    rows["card"] = (own.uniform("card") < 0.25) & (customers.cards[who] > 1)
    rows["offset"] = CITY_OFFSET_MIN[city]
    rows["time"] = day * DAY_MS + local_ms - CITY_OFFSET_MIN[city] * MINUTE_MS
    _set_merchant(rows, draws, own, merchants, kind, city, customers)
    _set_channel(rows, own, customers, kind, city, draws, day)
    spend = customers.spend[who] * np.where(is_away, 1.3, 1.0)
    euros = MEDIAN_EUR[kind] * spend * np.exp(SIGMA[kind] * own.normal("amount"))
    set_amounts(rows, np.minimum(euros, 20_000.0))
    round_cash(rows, MODE[kind] == ATM)
    _set_declines(rows, own, customers)
    rows["scenario"] = is_away & trips.is_far[who] & ~trips.is_announced[who]
    return rows


def counts_of(draws: Draws, customers: Customers, day: int) -> I64:
    """Transactions of each customer on the day: Poisson, by inversion, at most 14."""
    rate = customers.txns_per_day * day_factor(day) * (customers.joined_day <= day)
    uniform = draws.keyed(customers.index, day, 3).uniform("count")
    counts = np.zeros(customers.count, dtype=np.int64)
    term = np.exp(-rate)
    total = term.copy()
    for k in range(1, MAX_A_DAY + 1):
        counts += uniform >= total
        term = term * rate / k
        total += term
    return counts


def _when_and_what(own: Keyed, customers: Customers, who: I64, day: int) -> tuple[I64, I64]:
    """Local time (ms after the local midnight) and kind of sale of each row."""
    cdf = KIND_CDF[int(weekday(day) >= 5)][customers.segment[who]]
    kind = np.minimum((cdf <= own.uniform("kind")[:, None]).sum(axis=1), cdf.shape[1] - 1)
    hour = np.minimum((HOUR_CDF[kind] <= own.uniform("hour")[:, None]).sum(axis=1), 23)
    local_ms = hour * HOUR_MS + own.below("minute", HOUR_MS) + customers.later_ms[who]
    return local_ms, kind


def _where(
    customers: Customers, trips: Trips, who: I64, day: int, local_ms: I64
) -> tuple[I64, npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """City of each row, whether that is a trip, and whether the customer is on the way (and buys nothing)."""
    first, last = trips.first_day[who], trips.last_day[who]
    is_travel_day = (first == day) | (last == day)
    has_arrived = local_ms >= ARRIVES_AT_H * HOUR_MS
    is_flying = is_travel_day & (first <= last) & (local_ms >= LEAVES_AT_H * HOUR_MS) & ~has_arrived
    is_away = ((first < day) & (day < last)) | ((first == day) & has_arrived) | ((last == day) & ~has_arrived)
    is_away &= first <= last
    return np.where(is_away, trips.city[who], customers.city[who]), is_away, is_flying


def _set_merchant(
    rows: Rows, draws: Draws, own: Keyed, merchants: Merchants, kind: I64, city: I64, customers: Customers
) -> None:
    """Three sales in four go to one of the customer's few favourites for that kind and place."""
    mode = MODE[kind]
    is_remote = ~np.isin(mode, (PRESENT, ATM))
    place = np.where(is_remote, REMOTE_PLACE, city)
    favourite = np.minimum((own.uniform("which favourite") ** 2 * 3).astype(np.int64), 2)
    habit = draws.keyed(rows["customer"], kind, place, favourite, 4).uniform("favourite")
    chance = np.where(own.uniform("explores") < 0.25, own.uniform("merchant"), habit)
    merchant = merchants.pick(place, kind, chance)
    rows["merchant"] = merchant
    rows["country"] = merchants.country[merchant]
    home = CITY_CURRENCY[customers.city[rows["customer"]]]
    charges_home = is_remote & (own.uniform("charges home") < 0.85)
    rows["currency"] = np.where(charges_home, home, merchants.currency[merchant])
    rows["lat"], rows["lon"] = merchants.lat[merchant], merchants.lon[merchant]
    rows["terminal"] = np.where(is_remote, -1, own.below("terminal", merchants.terminals[merchant]))
    is_transfer = mode == TRANSFER
    rows["country"][is_transfer] = CITY_COUNTRY[customers.city[rows["customer"]]][is_transfer]


def _set_channel(rows: Rows, own: Keyed, customers: Customers, kind: I64, city: I64, draws: Draws, day: int) -> None:
    who, mode = rows["customer"], MODE[kind]
    by_card = np.where(own.uniform("tap") < customers.contactless[who], CONTACTLESS, CHIP)
    swipes = own.uniform("swipe") < np.where(SWIPING_COUNTRIES[CITY_COUNTRY[city]], 0.15, 0.01)
    by_card = np.where(swipes, SWIPE, by_card)
    channels = np.array([0, ECOM, ATM_CHANNEL, TRANSFER_CHANNEL])
    rows["channel"] = np.where(mode == PRESENT, by_card, channels[mode])
    is_remote = (mode != PRESENT) & (mode != ATM)
    second = (own.uniform("device") < 0.22).astype(np.int64)
    device, ip = customer_devices(draws, customers, who, second, day), customer_ips(draws, who, city, own)
    rows["device"] = np.where(is_remote, device, np.uint64(0))
    rows["ip"] = np.where(is_remote, ip, 0)


def customer_devices(draws: Draws, customers: Customers, who: Any, which: Any, day: int) -> npt.NDArray[np.uint64]:
    """Id of a customer's first or second device on a day; a device is replaced after its life."""
    return draws.keyed(
        who, which, device_age(draws, customers, who, which, day) // customers.device_life_days[who]
    ).word("device id")


def device_age(draws: Draws, customers: Customers, who: Any, which: Any, day: int) -> I64:
    """Days since the customer's first device of this sort was bought; a multiple of its life is a new device."""
    phase = draws.keyed(who, which, 5).below("device phase", customers.device_life_days[who])
    return np.asarray(day + phase)


def customer_ips(draws: Draws, who: Any, city: Any, own: Keyed) -> npt.NDArray[np.int64]:
    """Mostly the home line (one address a customer and city), else a mobile network of the country."""
    is_mobile = own.uniform("mobile") < 0.3
    fixed = draws.keyed(who, city, 6).below("line", 1 << 16)
    return ip_number(CITY_COUNTRY[city], np.where(is_mobile, own.below("mobile ip", 1 << 12), fixed))


def ip_number(country: Any, host: Any) -> npt.NDArray[np.int64]:
    """Addresses from 100.64.0.0/10, which no host on the Internet has: one second octet a country."""
    return np.asarray((100 << 24) | ((64 + np.asarray(country)) << 16) | host, dtype=np.int64)


def _set_declines(rows: Rows, own: Keyed, customers: Customers) -> None:
    """About 2.5 % of honest attempts fail, more for those who are short of money."""
    chance = 0.012 + 0.03 * (customers.spend[rows["customer"]] < 0.6) + 0.02 * (rows["base"] > 30_000)
    reason = 1 + own.below("decline reason", 3)
    rows["decline"] = np.where(own.uniform("decline") < chance, reason, 0)
