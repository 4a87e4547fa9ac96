"""The compiled loop: the event's features from the state before it, then the event into the state.

The one definition of every feature's value. Replay, stream and API all call `process`; nothing here knows
which. Sums of money are int64; the few float64 accumulations run over the entries from newest to oldest, so
the same state gives the same bits whoever computes it. Compiled once and cached on disk.
"""

from __future__ import annotations

from typing import Any, Final

import numba
import numpy as np

from fraud_prevention.domain.reference import HIGH_RISK_MCCS
from fraud_prevention.domain.transaction import CHANNELS
from model.features.catalogue import index_of
from model.features.record import CAP, FOREIGN_CURRENCY, WEEKEND, WINDOW_MS

NEW: Final = 0  # computed and added
REPEAT: Final = 1  # the id is in the state with the same content: nothing changes
CONFLICT: Final = 2  # the id is in the state with another content: nothing changes

MINUTE: Final = 60_000
HOUR: Final = 3_600_000
DAY: Final = 86_400_000
SMALL_AMOUNT: Final = 500
EARTH_DIAMETER_KM: Final = 12_742.0

_ECOM: Final = CHANNELS.index("ecom")
_ATM: Final = CHANNELS.index("atm")
_TRANSFER: Final = CHANNELS.index("transfer")
_RISKY: Final = np.array(sorted(HIGH_RISK_MCCS), np.uint16)

# Places in the vector: plain integers, so that the compiler sees constants.
_COUNT_5M = index_of("card_txn_count_5m")
_COUNT_1H = index_of("card_txn_count_1h")
_COUNT_24H = index_of("card_txn_count_24h")
_COUNT_7D = index_of("card_txn_count_7d")
_COUNT_30D = index_of("card_txn_count_30d")
_SUM_1H = index_of("card_amount_sum_1h")
_SUM_24H = index_of("card_amount_sum_24h")
_SUM_7D = index_of("card_amount_sum_7d")
_SUM_30D = index_of("card_amount_sum_30d")
_CUSTOMER_1H = index_of("customer_txn_count_1h")
_CUSTOMER_24H = index_of("customer_txn_count_24h")
_CUSTOMER_30D = index_of("customer_txn_count_30d")
_CUSTOMER_SUM_24H = index_of("customer_amount_sum_24h")
_SMALL_1H = index_of("small_amount_count_1h")
_SAME_MERCHANT = index_of("same_merchant_count_24h")
_MEAN = index_of("card_amount_mean_30d")
_STD = index_of("card_amount_std_30d")
_MAX = index_of("card_amount_max_30d")
_TO_MEAN = index_of("amount_to_card_mean_30d")
_ZSCORE = index_of("amount_zscore_card_30d")
_SINCE_CARD = index_of("seconds_since_last_card")
_SINCE_CUSTOMER = index_of("seconds_since_last_customer")
_TOTAL = index_of("customer_txn_count_total")
_AGE = index_of("customer_age_days")
_HOUR_SHARE = index_of("hour_share_30d")
_DISTANCE = index_of("distance_from_last_km")
_SPEED = index_of("speed_from_last_kmh")
_FROM_USUAL = index_of("distance_from_usual_km")
_NEW_COUNTRY = index_of("is_new_country_30d")
_COUNTRIES = index_of("distinct_countries_24h")
_MERCHANTS = index_of("distinct_merchants_24h")
_MCCS = index_of("distinct_mccs_24h")
_DEVICES = index_of("distinct_devices_30d")
_NEW_MERCHANT = index_of("is_new_merchant_30d")
_NEW_DEVICE = index_of("is_new_device_30d")
_NEW_MCC = index_of("is_new_mcc_30d")
_AMOUNT = index_of("amount_base_minor")
_LOCAL_HOUR = index_of("local_hour")
_IS_WEEKEND = index_of("is_weekend")
_IS_NIGHT = index_of("is_night")
_IS_REMOTE = index_of("is_remote")
_IS_CASH = index_of("is_cash")
_IS_HIGH_RISK = index_of("is_high_risk_mcc")
_IS_FOREIGN = index_of("is_foreign_currency")

_jit = numba.njit(cache=True, nogil=True, error_model="numpy")


@_jit
def _km(lat1: float, lon1: float, lat2: float, lon2: float) -> float:
    """Great-circle distance of two points in degrees (haversine)."""
    rad = np.pi / 180.0
    a = np.sin(rad * (lat2 - lat1) / 2.0) ** 2
    a += np.cos(rad * lat1) * np.cos(rad * lat2) * np.sin(rad * (lon2 - lon1) / 2.0) ** 2
    return float(EARTH_DIAMETER_KM * np.arcsin(np.sqrt(min(1.0, a))))


@_jit
def _is_present(channel: int) -> bool:
    """A card or person was at the merchant, so the place of the merchant is the place of the customer."""
    return channel not in (_ECOM, _TRANSFER)


@_jit
def _context(x: Any, out: Any) -> None:
    out[_AMOUNT] = x.amount
    out[_LOCAL_HOUR] = x.local_hour
    out[_IS_WEEKEND] = 1.0 if x.flags & WEEKEND else 0.0
    out[_IS_NIGHT] = 1.0 if x.local_hour < 6 else 0.0
    out[_IS_REMOTE] = 0.0 if _is_present(x.channel) else 1.0
    out[_IS_CASH] = 1.0 if x.channel == _ATM else 0.0
    out[_IS_FOREIGN] = 1.0 if x.flags & FOREIGN_CURRENCY else 0.0
    out[_IS_HIGH_RISK] = 0.0
    for code in _RISKY:
        if x.mcc == code:
            out[_IS_HIGH_RISK] = 1.0


@_jit
def _amounts(x: Any, count: int, total: int, squares: float, largest: int, out: Any) -> None:
    if count == 0:
        return
    mean = total / count
    variance = squares / count - mean * mean
    std = np.sqrt(variance) if variance > 0.0 else 0.0
    out[_MEAN] = mean
    out[_STD] = std
    out[_MAX] = largest
    out[_TO_MEAN] = x.amount / mean if mean > 0.0 else -1.0
    if count >= 3:
        # A floor of one percent of the mean keeps a subscription's cent of variance from making a thousand sigmas.
        spread = max(std, 0.01 * mean, 1.0)
        out[_ZSCORE] = (x.amount - mean) / spread


@_jit
def _card_velocity(x: Any, entries: Any, first: int, end: int, out: Any) -> None:
    """Counts, sums and the distribution of amounts of the card that pays."""
    count = total = largest = 0
    squares = 0.0
    count_5m = count_1h = count_24h = count_7d = sum_1h = sum_24h = sum_7d = 0
    small = same_merchant = 0
    last = -1
    for j in range(end - 1, first - 1, -1):
        e = entries[j]
        if e.card != x.card:
            continue
        age = x.event_time - e.event_time
        if last < 0:
            last = age
        count += 1
        total += e.amount
        squares += float(e.amount) * float(e.amount)
        largest = max(largest, e.amount)
        if age < 7 * DAY:
            count_7d += 1
            sum_7d += e.amount
        if age < DAY:
            count_24h += 1
            sum_24h += e.amount
            same_merchant += e.merchant == x.merchant
        if age < HOUR:
            count_1h += 1
            sum_1h += e.amount
            small += e.amount <= SMALL_AMOUNT
        if age < 5 * MINUTE:
            count_5m += 1
    out[_COUNT_5M], out[_COUNT_1H], out[_COUNT_24H] = count_5m, count_1h, count_24h
    out[_COUNT_7D], out[_COUNT_30D] = count_7d, count
    out[_SUM_1H], out[_SUM_24H], out[_SUM_7D], out[_SUM_30D] = sum_1h, sum_24h, sum_7d, total
    out[_SMALL_1H], out[_SAME_MERCHANT] = small, same_merchant
    if last >= 0:
        out[_SINCE_CARD] = last / 1000.0
    _amounts(x, count, total, squares, largest, out)


@_jit
def _customer_habits(x: Any, h: Any, entries: Any, first: int, end: int, out: Any) -> None:
    """How much the customer does, since when, and at what hours."""
    count_1h = count_24h = sum_24h = near_hour = 0
    for j in range(end - 1, first - 1, -1):
        e = entries[j]
        age = x.event_time - e.event_time
        if age < DAY:
            count_24h += 1
            sum_24h += e.amount
            count_1h += age < HOUR
        gap = abs(int(np.int64(e.local_hour)) - int(np.int64(x.local_hour)))  # hours are unsigned in the record
        near_hour += gap <= 2 or gap >= 22
    seen = end - first
    out[_CUSTOMER_1H], out[_CUSTOMER_24H], out[_CUSTOMER_30D] = count_1h, count_24h, seen
    out[_CUSTOMER_SUM_24H] = sum_24h
    if seen > 0:
        out[_SINCE_CUSTOMER] = (x.event_time - entries[end - 1].event_time) / 1000.0
        out[_HOUR_SHARE] = near_hour / seen
    out[_TOTAL] = h.total
    if h.total > 0:
        out[_AGE] = max(x.event_time - h.first_seen, 0) / DAY


@_jit
def _novelty(x: Any, entries: Any, first: int, end: int, out: Any) -> None:
    """What the customer has not been seen with before."""
    merchant = mcc = country = 1.0
    device = 1.0 if x.device != 0 else 0.0
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
    out[_NEW_MERCHANT], out[_NEW_MCC] = merchant, mcc
    out[_NEW_COUNTRY], out[_NEW_DEVICE] = country, device


@_jit
def _variety(x: Any, entries: Any, first: int, end: int, out: Any) -> None:
    """How many different ones: an entry counts unless a newer one had the same.

    Quadratic, but over what one customer did in a day (devices: in 30 days), at most CAP entries.
    """
    devices = countries = merchants = mccs = 0
    for j in range(end - 1, first - 1, -1):
        e = entries[j]
        is_recent = x.event_time - e.event_time < DAY
        is_device = e.device != 0
        is_country = is_recent
        is_merchant = is_mcc = is_recent and e.card == x.card
        for k in range(j + 1, end):
            if not (is_device or is_country or is_merchant or is_mcc):
                break
            other = entries[k]
            is_device = is_device and other.device != e.device
            is_country = is_country and other.country != e.country
            if other.card == x.card:
                is_merchant = is_merchant and other.merchant != e.merchant
                is_mcc = is_mcc and other.mcc != e.mcc
        devices += is_device
        countries += is_country
        merchants += is_merchant
        mccs += is_mcc
    out[_DEVICES], out[_COUNTRIES], out[_MERCHANTS], out[_MCCS] = devices, countries, merchants, mccs


@_jit
def _geography(x: Any, entries: Any, first: int, end: int, out: Any) -> None:
    """How far from the last place and from the usual one; needs a place now."""
    if not _is_present(x.channel) or np.isnan(x.lat):
        return
    placed = 0
    lat = lon = 0.0
    for j in range(end - 1, first - 1, -1):
        e = entries[j]
        if not _is_present(e.channel) or np.isnan(e.lat):
            continue
        if placed == 0:
            km = _km(e.lat, e.lon, x.lat, x.lon)
            out[_DISTANCE] = km
            out[_SPEED] = km / (max(x.event_time - e.event_time, MINUTE) / HOUR)
        placed += 1
        lat += e.lat
        lon += e.lon
    if placed > 0:
        out[_FROM_USUAL] = _km(lat / placed, lon / placed, x.lat, x.lon)


@_jit
def _status(x: Any, entries: Any, start: int, end: int, floor: int) -> int:
    """Is the id among the live entries? Those below the floor may or may not have been swept up yet."""
    for j in range(end - 1, start - 1, -1):
        e = entries[j]
        if e.event_time <= floor:
            break
        if e.transaction == x.transaction:
            same = e.event_time == x.event_time and e.amount == x.amount
            same = same and e.merchant == x.merchant and e.card == x.card
            return REPEAT if same else CONFLICT
    return NEW


@_jit
def _add(x: Any, i: int, c: int, headers: Any, entries: Any, events: Any, start: int) -> None:
    """Insert event i where its time belongs, and move the floor."""
    count = np.int64(headers[c].count)
    t = x.event_time
    place = start + count
    while place > start and entries[place - 1].event_time > t:
        entries[place] = entries[place - 1]
        place -= 1
    entries[place] = events[i]
    count += 1
    h = headers[c]
    h.count = count
    h.last_offset = x.offset
    if h.total == 0:
        h.first_seen = t
    h.total += 1
    h.newest = max(h.newest, t)
    h.floor = max(h.floor, h.newest - WINDOW_MS)
    live = 0
    j = start + count - 1
    while j >= start and entries[j].event_time > h.floor:
        live += 1
        j -= 1
    if live > CAP:
        h.floor = entries[start + count - CAP - 1].event_time


@_jit
def process(
    events: Any,
    customers: Any,
    headers: Any,
    entries: Any,
    starts: Any,
    defaults: Any,
    out: Any,
    status: Any,
    versions: Any,
) -> None:
    """Run events through the state, in the order given, which is the order of the log.

    events ENTRY[n]; customers int[n] (place in headers); headers HEADER[c]; entries ENTRY[total] with room
    behind each customer's for its new ones; starts int64[c]; defaults f8[F]. Fills out f8[n, F] (a repeat keeps
    the defaults), status u1[n], versions i8[n] (last offset the customer's record held before the event).
    """
    for i in range(events.shape[0]):
        c = customers[i]
        x = events[i]
        start = starts[c]
        count = np.int64(headers[c].count)
        versions[i] = headers[c].last_offset
        out[i, :] = defaults
        status[i] = _status(x, entries, start, start + count, headers[c].floor)
        if status[i] != NEW:
            continue
        lowest = max(headers[c].floor, x.event_time - WINDOW_MS)
        end = start + count
        while end > start and entries[end - 1].event_time > x.event_time:
            end -= 1
        first = end
        while first > start and entries[first - 1].event_time > lowest:
            first -= 1
        _card_velocity(x, entries, first, end, out[i])
        _customer_habits(x, headers[c], entries, first, end, out[i])
        _novelty(x, entries, first, end, out[i])
        _variety(x, entries, first, end, out[i])
        _geography(x, entries, first, end, out[i])
        _context(x, out[i])
        _add(x, i, c, headers, entries, events, start)


@_jit
def open_for_batch(headers: Any, entries: Any, starts: Any, start_offset: int, end_offset: int) -> int:
    """Bring every record to the version before the batch that starts at `start_offset`, and sign it with the batch.

    Entries at or after the start offset go (an earlier attempt of this batch wrote them); entries that an
    earlier batch left below the floor go for good. Returns -1, or the place of the first record that a newer
    batch has written.
    """
    for c in range(headers.shape[0]):
        h = headers[c]
        if h.start_offset > start_offset:
            return c
        if h.start_offset == start_offset:
            h.total = h.total_base
            h.newest = h.newest_base
            h.floor = h.floor_base
            h.last_offset = h.last_offset_base
        kept = starts[c]
        for j in range(starts[c], starts[c] + np.int64(h.count)):
            if entries[j].offset < start_offset and entries[j].event_time > h.floor:
                if kept != j:
                    entries[kept] = entries[j]
                kept += 1
        h.count = kept - starts[c]
        h.total_base = h.total
        h.newest_base = h.newest
        h.floor_base = h.floor
        h.last_offset_base = h.last_offset
        h.start_offset = start_offset
        h.end_offset = end_offset
    return -1


@_jit
def close_batch(headers: Any, entries: Any, starts: Any, start_offset: int) -> None:
    """Let go of the batch's own entries that are below the floor already: a repeat of the batch brings them again.

    So a record holds at most CAP entries of before the batch and CAP of the batch.
    """
    for c in range(headers.shape[0]):
        h = headers[c]
        kept = starts[c]
        for j in range(starts[c], starts[c] + np.int64(h.count)):
            if entries[j].offset < start_offset or entries[j].event_time > h.floor:
                if kept != j:
                    entries[kept] = entries[j]
                kept += 1
        h.count = kept - starts[c]


@_jit
def relayout(headers: Any, entries: Any, starts: Any, room: Any, moved: Any, new_starts: Any) -> None:
    """Copy the live entries of every customer into `moved`, leaving `room[c]` behind each."""
    place = 0
    for c in range(headers.shape[0]):
        new_starts[c] = place
        kept = 0
        for j in range(starts[c], starts[c] + np.int64(headers[c].count)):
            if entries[j].event_time > headers[c].floor:
                moved[place + kept] = entries[j]
                kept += 1
        headers[c].count = kept
        place += kept + room[c]
