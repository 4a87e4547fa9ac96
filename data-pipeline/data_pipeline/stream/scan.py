"""JSON bodies of `transactions.v1` to columns, hashes and entries in one compiled loop; it vouches or it doubts.

What it calls good, `decode_transaction` accepts with the same content. It knows the plain way to write a transaction and
nothing else: escapes, nulls, exponents, other members and whatever breaks a limit are doubtful, and the slow parser says
what they are. A body that is wrongly doubtful costs time, one that is wrongly good would be a bug.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from data_pipeline.stream.hashing import xxh64
from data_pipeline.stream.scanned import Scan
from data_pipeline.stream.texts import SLACK, Places
from fraud_prevention.domain.reference import BASE_CURRENCY, COUNTRIES, CURRENCIES
from fraud_prevention.domain.topics import INLINE_PAYLOAD_BYTES
from fraud_prevention.domain.transaction import CHANNELS, FIELDS, MAX_AMOUNT_MINOR, MAX_ID_CHARS, TimeBounds
from fraud_prevention.policy.machine_words import Bytes, load_word
from model.features import entry
from model.features.compiled import jit
from model.features.record import ENTRY, FOREIGN_CURRENCY, WEEKEND

INTEGERS: Final = ("event_time", "utc_offset_min", "amount_minor", "amount_base_minor")
# What the compiled loop has as constants stands in this file, whose changes numba's cache follows; what comes from other
# modules is passed to it as `_Tables`.
_MEMBERS: Final = (
    "transaction_id", "event_time", "utc_offset_min", "customer_id", "card_token", "merchant_id", "mcc", "amount_minor",
    "currency", "amount_base_minor", "merchant_country", "channel", "card_bin", "terminal_id", "lat", "lon", "device_id",
    "ip", "decided_by",
)  # fmt: skip
assert _MEMBERS == FIELDS, "the contract has changed: so must the scan"
PLACE: Final = {name: i for i, name in enumerate(_MEMBERS)}  # columns of Scan.starts and Scan.ends


class _Tables(NamedTuple):
    """What the contract allows."""

    rules: Places  # see _rules
    channels: NDArray[np.uint64]  # see _words
    currencies: NDArray[np.bool_]  # see _letters
    countries: NDArray[np.bool_]
    base_currency: int
    max_bytes: int
    weekend: int  # bits of an entry's flags
    foreign: int


class _Work(NamedTuple):
    """What the loop reads and fills, in one argument."""

    tables: _Tables
    data: Bytes
    bodies: Places
    bounds: Places  # i8[n, 2], the earliest and the latest event time believed
    offsets: Places
    starts: Places
    ends: Places
    integers: Places
    reals: NDArray[np.float32]  # f4[n, 2]
    events: Any
    customers: NDArray[np.uint64]
    entities: NDArray[np.uint64]
    guesses: Places  # the member that followed each one last time


def scan(bodies: Sequence[bytes | None], offsets: Places, ingested_at: Places, bounds: TimeBounds) -> Scan:
    """Read `bodies`, each of the record at its offset; time bounds are relative to ingested_at (ms since 1970)."""
    count = len(bodies)
    # A zero byte behind each body ends every loop over characters, so that no body runs into the next.
    text = b"\0".join([*(body or b"" for body in bodies), bytes(SLACK)])
    lengths = np.fromiter((len(body or b"") for body in bodies), np.int64, count)
    places = np.empty((count, 2), np.int64)
    places[:, 1] = np.cumsum(lengths + 1) - 1
    places[:, 0] = places[:, 1] - lengths
    work = _Work(
        tables=_TABLES,
        data=np.frombuffer(text, np.uint8),
        bodies=places,
        bounds=_believed(ingested_at, bounds),
        offsets=np.ascontiguousarray(offsets, np.int64),
        starts=np.zeros((count, len(_MEMBERS)), np.int64),
        ends=np.zeros((count, len(_MEMBERS)), np.int64),
        integers=np.empty((count, len(INTEGERS)), np.int64),
        reals=np.full((count, 2), np.nan, np.float32),
        events=np.zeros(count, ENTRY),
        customers=np.empty(count, np.uint64),
        entities=np.zeros((count, 4), np.uint64),
        guesses=np.arange(len(_MEMBERS) + 1) % len(_MEMBERS),
    )
    is_good = np.zeros(count, np.bool_)
    _scan(work, is_good)
    return Scan(
        text, work.data, is_good, places, work.starts, work.ends, work.integers, work.events, work.customers,
        work.entities,
    )  # fmt: skip


_FAR: Final = 2**60  # ms; beyond it, clocks and bounds are not added up


def _believed(ingested_at: Places, bounds: TimeBounds) -> Places:
    """i8[n, 2]: the earliest and the latest event time that each record may have."""
    found = np.empty((len(ingested_at), 2), np.int64)
    if not bounds.is_enforced:
        found[:, 0], found[:, 1] = 0, _FAR
        return found
    found[:, 0] = ingested_at - max(min(bounds.max_age_ms, _FAR), -_FAR)
    found[:, 1] = ingested_at + max(min(bounds.max_future_ms, _FAR), -_FAR)
    found[(ingested_at > _FAR) | (ingested_at < -_FAR)] = (1, 0)  # none is
    return found


# --- Tables -------------------------------------------------------------------------------------------------------

_TEXT, _INTEGER, _REAL = 0, 1, 2
_ID_CHAR, _DIGIT, _IP_CHAR = 1, 2, 4
_DIGITS: Final = b"0123456789"
_ID_CHARS: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz" + _DIGITS + b"._:-"
_IP_CHARS: Final = _DIGITS + b"abcdefABCDEF.:"
# Characters, and the fewest and the most of them. What has a list of its own is checked against it later.
_TEXT_LIMITS: Final = {
    "mcc": (_DIGIT, 4, 4),
    "card_bin": (_DIGIT, 6, 8),
    "ip": (_IP_CHAR, 2, 45),
    "currency": (_ID_CHAR, 3, 3),
    "merchant_country": (_ID_CHAR, 2, 2),
    "decided_by": (_ID_CHAR, 3, 3),
}
_INTEGER_LIMITS: Final = {
    "event_time": (0, 2**53),
    "utc_offset_min": (-720, 840),
    "amount_minor": (0, MAX_AMOUNT_MINOR),
    "amount_base_minor": (0, MAX_AMOUNT_MINOR),
}
_REAL_LIMITS: Final = {"lat": 90, "lon": 180}
_OPTIONAL: Final = frozenset({"terminal_id", "device_id", "card_bin", "ip", "lat", "lon", "decided_by"})


def _classes() -> NDArray[np.uint8]:
    """Which sets each byte belongs to, as bits."""
    found = np.zeros(256, np.uint8)
    for bit, characters in ((_ID_CHAR, _ID_CHARS), (_DIGIT, _DIGITS), (_IP_CHAR, _IP_CHARS)):
        found[list(characters)] |= bit
    return found


def _rules() -> Places:
    """i8[FIELDS, 4]: the kind; a text's characters, or a number's column; the least and the most."""
    found = np.zeros((len(_MEMBERS), 4), np.int64)
    for place, name in enumerate(_MEMBERS):
        if name in _INTEGER_LIMITS:
            found[place] = (_INTEGER, INTEGERS.index(name), *_INTEGER_LIMITS[name])
        elif name in _REAL_LIMITS:
            found[place] = (_REAL, list(_REAL_LIMITS).index(name), -_REAL_LIMITS[name], _REAL_LIMITS[name])
        else:
            found[place] = (_TEXT, *_TEXT_LIMITS.get(name, (_ID_CHAR, 1, MAX_ID_CHARS)))
    return found


def _words(texts: Sequence[str]) -> NDArray[np.uint64]:
    """u8[texts, 6]: three words of each text and its closing quote, and which of their bytes count."""
    found = np.zeros((len(texts), 6), np.uint64)
    for i, text in enumerate(texts):
        closed = text.encode() + b'"'
        assert len(closed) <= 24
        found[i, :3] = np.frombuffer(closed.ljust(24, b"\0"), "<u8")
        found[i, 3:] = np.frombuffer((b"\xff" * len(closed)).ljust(24, b"\0"), "<u8")
    return found


def _letters(codes: frozenset[str], length: int) -> NDArray[np.bool_]:
    """Which codes of capital letters there are, by their number in base 26."""
    found = np.zeros(26**length, np.bool_)
    for code in codes:
        found[_number_of(code)] = True
    return found


def _number_of(code: str) -> int:
    number = 0
    for letter in code:
        number = number * 26 + ord(letter) - 65
    return number


_CLASSES: Final = _classes()
_KEYS: Final = _words(_MEMBERS)
_KEY_CHARS: Final = np.array([len(name) for name in _MEMBERS])
_DECIDERS: Final = _words(("api",))
_TABLES: Final = _Tables(
    rules=_rules(),
    channels=_words(CHANNELS),
    currencies=_letters(CURRENCIES, 3),
    countries=_letters(COUNTRIES, 2),
    base_currency=_number_of(BASE_CURRENCY),
    max_bytes=INLINE_PAYLOAD_BYTES,
    weekend=WEEKEND,
    foreign=FOREIGN_CURRENCY,
)
_COUNT: Final = len(_MEMBERS)
_REQUIRED: Final = sum(1 << place for place, name in enumerate(_MEMBERS) if name not in _OPTIONAL)
_POWERS: Final = np.array([float(10**i) for i in range(23)])  # each of them exact
_EXACT: Final = 2**53

_TRANSACTION: Final = PLACE["transaction_id"]
_CUSTOMER: Final = PLACE["customer_id"]
_CARD: Final = PLACE["card_token"]
_MERCHANT: Final = PLACE["merchant_id"]
_TERMINAL: Final = PLACE["terminal_id"]
_TERMINAL_BITS: Final = np.uint64(entry.TERMINAL_BITS)
_TERMINAL_MASK: Final = np.uint64(entry.TERMINAL_MASK)
_DEVICE: Final = PLACE["device_id"]
_IP: Final = PLACE["ip"]
_MCC: Final = PLACE["mcc"]
_CURRENCY: Final = PLACE["currency"]
_COUNTRY: Final = PLACE["merchant_country"]
_CHANNEL: Final = PLACE["channel"]
_DECIDED_BY: Final = PLACE["decided_by"]
_EVENT_TIME, _UTC_OFFSET, _AMOUNT_BASE = (
    INTEGERS.index(name) for name in ("event_time", "utc_offset_min", "amount_base_minor")
)

# --- The loop -----------------------------------------------------------------------------------------------------


@jit
def _scan(work: _Work, is_good: NDArray[np.bool_]) -> None:
    for row in range(is_good.shape[0]):
        start, end = work.bodies[row, 0], work.bodies[row, 1]
        if end - start <= work.tables.max_bytes and _members(work, row, start, end):
            is_good[row] = _check_and_encode(work, row)


@jit
def _members(work: _Work, row: int, start: int, end: int) -> bool:
    """Read one body's members. False where in doubt."""
    data = work.data
    at = _skip(data, start)
    if data[at] != 0x7B:  # {
        return False
    seen, previous = 0, -1
    while True:
        at = _skip(data, at + 1)
        if data[at] != 0x22:  # "
            return False
        field = _field(work, at + 1, previous)
        if field < 0 or seen >> field & 1:
            return False
        seen |= 1 << field
        previous = field
        at = _skip(data, at + 2 + _KEY_CHARS[field])
        if data[at] != 0x3A:  # :
            return False
        at = _value(work, row, field, _skip(data, at + 1))
        if at < 0:
            return False
        at = _skip(data, at)
        if data[at] != 0x2C:  # ,
            break
    return data[at] == 0x7D and _skip(data, at + 1) == end and seen & _REQUIRED == _REQUIRED


@jit
def _skip(data: Bytes, at: int) -> int:
    """The next place without white space."""
    while data[at] == 0x20 or data[at] == 0x0A or data[at] == 0x0D or data[at] == 0x09:
        at += 1
    return at


@jit
def _field(work: _Work, at: int, previous: int) -> int:
    """Which member's key is at `at`, -1 for none of them."""
    data, guesses = work.data, work.guesses
    a, b, c = load_word(data, at), load_word(data, at + 8), load_word(data, at + 16)
    guess = int(guesses[previous + 1])
    if _is_word(_KEYS, guess, a, b, c):
        return guess
    field = previous
    for _ in range(_COUNT):
        field += 1
        if field == _COUNT:
            field = 0
        if _is_word(_KEYS, field, a, b, c):
            guesses[previous + 1] = field
            return field
    return -1


@jit
def _is_word(words: NDArray[np.uint64], i: int, a: np.uint64, b: np.uint64, c: np.uint64) -> bool:
    wrong = (a ^ words[i, 0]) & words[i, 3] | (b ^ words[i, 1]) & words[i, 4] | (c ^ words[i, 2]) & words[i, 5]
    return bool(wrong == np.uint64(0))


@jit
def _word_at(words: NDArray[np.uint64], data: Bytes, at: int) -> int:
    """Which of the words is at `at` with its closing quote, -1 for none of them."""
    a, b, c = load_word(data, at), load_word(data, at + 8), load_word(data, at + 16)
    for i in range(words.shape[0]):
        if _is_word(words, i, a, b, c):
            return i
    return -1


@jit
def _value(work: _Work, row: int, field: int, at: int) -> int:
    """Read a member's value. The place behind it, -1 where in doubt."""
    data, rules = work.data, work.tables.rules
    kind, column, least, most = rules[field, 0], rules[field, 1], rules[field, 2], rules[field, 3]
    if kind == _INTEGER:
        behind, number = _integer(data, at)
        work.integers[row, column] = number
        return behind if least <= number <= most else -1
    if kind == _REAL:
        behind, real = _real(data, at, most)
        work.reals[row, column] = real
        return behind
    if data[at] != 0x22:
        return -1
    start = at = at + 1
    while _CLASSES[data[at]] & column:
        at += 1
    work.starts[row, field], work.ends[row, field] = start, at
    return at + 1 if data[at] == 0x22 and least <= at - start <= most else -1


@jit
def _integer(data: Bytes, at: int) -> tuple[int, int]:
    """The place behind an integer, -1 where in doubt, and the integer."""
    is_negative = data[at] == 0x2D  # -
    if is_negative:
        at += 1
    start, number = at, np.int64(0)
    while _CLASSES[data[at]] & _DIGIT and at - start < 17:
        number = number * 10 + data[at] - 0x30
        at += 1
    digits = at - start
    if digits == 0 or digits > 16 or (data[start] == 0x30 and (digits > 1 or is_negative)):
        return -1, 0
    return at, int(-number if is_negative else number)


@jit
def _real(data: Bytes, at: int, limit: int) -> tuple[int, np.float32]:
    """The place behind a number of at most `limit` on either side, -1 where in doubt, and the number."""
    doubt = (-1, np.float32(0.0))
    is_negative = data[at] == 0x2D  # -
    if is_negative:
        at += 1
    start, number, digits = at, np.int64(0), 0
    while _CLASSES[data[at]] & _DIGIT and digits < 19:
        number = number * 10 + data[at] - 0x30
        digits += number != 0
        at += 1
    if at == start or (data[start] == 0x30 and at > start + 1):
        return doubt
    decimals = 0
    if data[at] == 0x2E:  # .
        at += 1
        start = at
        while _CLASSES[data[at]] & _DIGIT and digits < 19:
            number = number * 10 + data[at] - 0x30
            digits += number != 0
            at += 1
        decimals = at - start
        if decimals == 0:
            return doubt
    elif is_negative and number == 0:
        return doubt  # an integer has no sign without a value
    if digits > 18 or decimals > 22:
        return doubt
    # Both exact, so that the quotient is the nearest double; beyond 2**53 it is off by little, and all doubles as near
    # must be the same single.
    value = np.float64(number) / _POWERS[decimals]
    slack = value * 1e-15 if number > _EXACT else 0.0
    found = np.float32(value - slack)
    if value + slack > limit or found != np.float32(value + slack):
        return doubt
    return at, -found if is_negative else found


@jit
def _letters_at(data: Bytes, start: int, end: int) -> int:
    """The number of a code of capital letters in base 26, -1 where there are others."""
    number = 0
    for at in range(start, end):
        letter = int(data[at]) - 65
        if letter < 0 or letter > 25:
            return -1
        number = number * 26 + letter
    return number


@jit
def _check_and_encode(work: _Work, row: int) -> bool:
    """Check what has a list or depends on the clock, and fill the entry and the codes. False where in doubt."""
    data, starts, ends, tables = work.data, work.starts, work.ends, work.tables
    event_time = work.integers[row, _EVENT_TIME]
    currency = _letters_at(data, starts[row, _CURRENCY], ends[row, _CURRENCY])
    country = _letters_at(data, starts[row, _COUNTRY], ends[row, _COUNTRY])
    channel = _word_at(tables.channels, data, starts[row, _CHANNEL])
    if currency < 0 or country < 0 or channel < 0 or not tables.currencies[currency] or not tables.countries[country]:
        return False
    if ends[row, _DECIDED_BY] and _word_at(_DECIDERS, data, starts[row, _DECIDED_BY]) < 0:
        return False
    if event_time < work.bounds[row, 0] or event_time > work.bounds[row, 1]:
        return False
    minutes = event_time // 60_000 + work.integers[row, _UTC_OFFSET]
    event = work.events[row]
    event.event_time = event_time
    event.money = np.uint64(work.integers[row, _AMOUNT_BASE]) << _TERMINAL_BITS
    event.offset = work.offsets[row]
    event.lat, event.lon = work.reals[row, 0], work.reals[row, 1]
    mcc = 0
    for at in range(starts[row, _MCC], ends[row, _MCC]):
        mcc = mcc * 10 + data[at] - 0x30
    event.mcc = mcc
    event.country = country + 1
    event.channel = channel
    event.local_hour = minutes // 60 % 24
    event.flags = tables.weekend if (minutes // 1440 + 3) % 7 >= 5 else 0
    if currency != tables.base_currency:
        event.flags |= tables.foreign
    _encode_ids(work, row)
    return True


@jit
def _encode_ids(work: _Work, row: int) -> None:
    data, starts, ends, event = work.data, work.starts, work.ends, work.events[row]
    event.transaction = xxh64(data, starts[row, _TRANSACTION], ends[row, _TRANSACTION])
    event.card = _short(xxh64(data, starts[row, _CARD], ends[row, _CARD]))
    work.customers[row] = _never_0(xxh64(data, starts[row, _CUSTOMER], ends[row, _CUSTOMER]))
    merchant = xxh64(data, starts[row, _MERCHANT], ends[row, _MERCHANT])
    event.merchant = _short(merchant)
    work.entities[row, 0] = _never_0(merchant)
    if ends[row, _TERMINAL]:
        terminal = _never_0(xxh64(data, starts[row, _TERMINAL], ends[row, _TERMINAL]))
        work.entities[row, 1] = terminal
        event.money |= terminal & _TERMINAL_MASK
    if ends[row, _DEVICE]:
        device = xxh64(data, starts[row, _DEVICE], ends[row, _DEVICE])
        event.device = _short(device)
        work.entities[row, 2] = _never_0(device)
    if ends[row, _IP]:
        start, end = starts[row, _IP], ends[row, _IP]
        event.ip = _short(xxh64(data, start, end))
        behind = _network(data, start, end)
        if behind > start:
            work.entities[row, 3] = _never_0(xxh64(data, start, behind))


@jit
def _never_0(code: np.uint64) -> np.uint64:
    return code if code != np.uint64(0) else np.uint64(1)


@jit
def _short(code: np.uint64) -> np.uint64:
    return _never_0(code & np.uint64(0xFFFFFFFF))


@jit
def _network(data: Bytes, start: int, end: int) -> int:
    """Where the network of an address ends: at the third colon, or at the last dot where there is no colon."""
    colons, dot = 0, start
    for at in range(start, end):
        if data[at] == 0x3A:
            colons += 1
            if colons == 3:
                return at
        elif data[at] == 0x2E:
            dot = at
    return end if colons else dot
