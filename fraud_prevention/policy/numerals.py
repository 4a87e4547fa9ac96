"""Numbers as JSON text, by compiled loops: the shortest digits that read back as the same float64.

Schubfach (Giulietti, "The Schubfach way to render doubles", 2020): one table of powers of ten, no trial and error.
Functions write into a byte array at a place and return the place behind. They write words of eight bytes, so the caller
has made room for SLACK bytes more than the text takes.
"""

from __future__ import annotations

import math
from typing import Final

import numba
import numpy as np
import numpy.typing as npt

from fraud_prevention.policy.machine_words import Bytes, high_product, leading_zeros, load_word, store_word

SLACK: Final = 8
MAX_INTEGER_CHARS: Final = 20  # a sign and 19 digits
MAX_REAL_CHARS: Final = 25  # a sign, 17 digits, a point, "e-324" and one to spare
_LEAST_POWER: Final = -292
_GREATEST_POWER: Final = 324


def _power_table() -> npt.NDArray[np.uint64]:
    """Upper and lower half of 10^k, scaled to 128 significant bits and rounded up, u8[k, 2]."""
    rows = []
    for k in range(_LEAST_POWER, _GREATEST_POWER + 1):
        shift = 127 - (k * 1741647 >> 19)  # 127 - floor(log2(10^k))
        numerator, denominator = (10**k, 1) if k >= 0 else (1, 10**-k)
        if shift >= 0:
            numerator <<= shift
        else:
            denominator <<= -shift
        scaled = -(-numerator // denominator)
        rows.append((scaled >> 64, scaled & (2**64 - 1)))
    return np.array(rows, np.uint64)


_POWERS: Final = _power_table()
_TENS: Final = np.array([10**k for k in range(20)], np.uint64)


@numba.njit(cache=True)
def _round_to_odd(high: np.uint64, low: np.uint64, factor: np.uint64) -> np.uint64:
    """The upper 64 bits of the 192-bit product, the last bit set where anything was cut off."""
    carried = high_product(low, factor)
    middle = high * factor + carried
    upper = high_product(high, factor)
    if middle < carried:
        upper += np.uint64(1)
    return upper | np.uint64(middle > np.uint64(1))


@numba.njit(cache=True)
def _shortest(bits: np.uint64) -> tuple[np.uint64, int]:
    """Digits d and power p of the shortest d * 10^p that reads back as these bits; sign and class are the caller's."""
    one, two, four = np.uint64(1), np.uint64(2), np.uint64(4)
    fraction = bits & np.uint64((1 << 52) - 1)
    exponent = np.int64((bits >> np.uint64(52)) & np.uint64(0x7FF))
    c = fraction | np.uint64(1 << 52) if exponent else fraction
    q = exponent - 1075 if exponent else np.int64(-1074)
    is_closer_below = fraction == np.uint64(0) and exponent > 1
    is_odd = c & one
    k = (int(q) * 1262611 - (524031 if is_closer_below else 0)) >> 22
    h = np.uint64(q + (-k * 1741647 >> 19) + 1)
    high, low = _POWERS[-k - _LEAST_POWER, 0], _POWERS[-k - _LEAST_POWER, 1]
    least = four * c - two + (one if is_closer_below else np.uint64(0))
    lower = _round_to_odd(high, low, least << h) + is_odd
    value = _round_to_odd(high, low, (four * c) << h)
    upper = _round_to_odd(high, low, (four * c + two) << h) - is_odd
    s = value >> two
    if s >= np.uint64(10):
        tens = s // np.uint64(10)
        is_low_inside = lower <= np.uint64(40) * tens
        is_high_inside = np.uint64(40) * tens + np.uint64(40) <= upper
        if is_low_inside != is_high_inside:
            return tens + np.uint64(is_high_inside), k + 1
    is_low_inside = lower <= four * s
    is_high_inside = four * s + four <= upper
    if is_low_inside != is_high_inside:
        return s + np.uint64(is_high_inside), k
    middle = four * s + two
    rounds_up = value > middle or (value == middle and (s & one) == one)
    return s + np.uint64(rounds_up), k


@numba.njit(cache=True)
def _count_digits(number: np.uint64) -> int:
    bits = 64 - int(leading_zeros(number | np.uint64(1)))
    least = bits * 1233 >> 12  # floor(bits * log10(2)): one short where the number is not below 10^least
    return least + int(number >= _TENS[least]) + int(number == np.uint64(0))


@numba.njit(cache=True)
def _eight_digits(number: np.uint64) -> np.uint64:
    """A number below 10^8 as eight characters, the first one lowest: all digits by a few multiplications."""
    upper = number // np.uint64(10_000)
    halves = upper | ((number - upper * np.uint64(10_000)) << np.uint64(32))
    hundreds = ((halves * np.uint64(10_486)) >> np.uint64(20)) & np.uint64(0x0000007F0000007F)
    pairs = hundreds | ((halves - hundreds * np.uint64(100)) << np.uint64(16))
    tens = ((pairs * np.uint64(103)) >> np.uint64(10)) & np.uint64(0x000F000F000F000F)
    digits = tens | ((pairs - tens * np.uint64(10)) << np.uint64(8))
    return digits | np.uint64(0x3030303030303030)


@numba.njit(cache=True)
def _put_digits(out: Bytes, at: int, number: np.uint64, count: int) -> None:
    """The last `count` digits, at most 20; touches eight bytes more."""
    eight = np.uint64(100_000_000)
    if count > 8:
        rest = number // eight
        lower = _eight_digits(number - rest * eight)
        if count > 16:
            top = rest // eight
            middle = _eight_digits(rest - top * eight)
            store_word(out, at, _eight_digits(top) >> np.uint64((24 - count) * 8))
            store_word(out, at + count - 16, middle)
        else:
            store_word(out, at, _eight_digits(rest) >> np.uint64((16 - count) * 8))
        store_word(out, at + count - 8, lower)
    else:
        store_word(out, at, _eight_digits(number) >> np.uint64((8 - count) * 8))


@numba.njit(cache=True)
def put_integer(out: Bytes, at: int, number: int) -> int:
    """An int64, at most MAX_INTEGER_CHARS."""
    size = np.uint64(number)
    if number < 0:
        out[at] = 45
        at += 1
        size = np.uint64(0) - size
    if size < np.uint64(10):
        out[at] = np.uint8(48 + np.int64(size))
        return at + 1
    count = _count_digits(size)
    _put_digits(out, at, size, count)
    return at + count


@numba.njit(cache=True)
def _put_null(out: Bytes, at: int) -> int:
    out[at], out[at + 1], out[at + 2], out[at + 3] = 110, 117, 108, 108
    return at + 4


@numba.njit(cache=True)
def put_real(out: Bytes, at: int, number: float, is_pointed: bool) -> int:
    """A float64, at most MAX_REAL_CHARS; null where it is not finite.

    A whole number gets ".0" if `is_pointed`, so that a reader who tells the two kinds apart sees a float.
    """
    if not math.isfinite(number):
        return _put_null(out, at)
    if number < 0.0 or (number == 0.0 and math.copysign(1.0, number) < 0.0):
        out[at] = 45
        at += 1
        number = -number
        is_pointed = is_pointed or number == 0.0  # "-0" would read back as a zero without its sign
    if number < 9007199254740992.0 and number == math.floor(number):
        at = put_integer(out, at, int(number))
        if is_pointed:
            out[at], out[at + 1] = 46, 48
            at += 2
        return at
    thousandths = np.rint(number * 1000.0) if number < 1e12 else 0.0
    if thousandths / 1000.0 == number:
        digits, power = np.uint64(thousandths), -3  # at most 15 digits: no shorter ones read back
    else:
        digits, power = _shortest(np.float64(number).view(np.uint64))
    rest = digits // np.uint64(10)
    while digits == rest * np.uint64(10):
        digits, power = rest, power + 1
        rest = digits // np.uint64(10)
    return _put_decimal(out, at, digits, power)


@numba.njit(cache=True)
def _put_decimal(out: Bytes, at: int, digits: np.uint64, power: int) -> int:
    """The number digits * 10^power, positional where that is short."""
    count = _count_digits(digits)
    point = count + power  # digits before the point
    if power < 0 < point:
        _put_digits(out, at + 1, digits, count)
        if point < 8:
            # The digits before the point move one place to the left, within one word.
            word, shift = load_word(out, at), np.uint64(8 * point)
            before = (np.uint64(1) << shift) - np.uint64(1)
            behind = ~((before << np.uint64(8)) | np.uint64(0xFF))
            store_word(out, at, ((word >> np.uint64(8)) & before) | (np.uint64(46) << shift) | (word & behind))
        else:
            for i in range(at, at + point):
                out[i] = out[i + 1]
            out[at + point] = 46
        return at + count + 1
    if -5 < point <= 0:
        store_word(out, at, np.uint64(0x3030303030302E30))
        _put_digits(out, at + 2 - point, digits, count)
        return at + 2 - point + count
    # d.ddd: all digits one place to the right, then the first one and the point before the others.
    _put_digits(out, at + 1, digits, count)
    out[at] = out[at + 1]
    at += 1
    if count > 1:
        out[at] = 46
        at += count
    out[at] = 101
    return put_integer(out, at + 1, point - 1)


@numba.njit(cache=True)
def put_vector(out: Bytes, at: int, row: npt.NDArray[np.float64]) -> int:
    """A JSON list of numbers, at most MAX_REAL_CHARS + 1 for each and two more; whole numbers without a point."""
    out[at] = 91
    at += 1
    for number in row:
        if 0.0 < number < 100_000_000.0 or (number == 0.0 and math.copysign(1.0, number) > 0.0):
            whole = np.int64(number)
            if np.float64(whole) == number:
                # The usual case by itself: most features are counts, flags and amounts.
                size = np.uint64(whole)
                if size < np.uint64(10):
                    out[at], out[at + 1] = np.uint8(np.uint64(48) + size), 44
                    at += 2
                else:
                    count = _count_digits(size)
                    store_word(out, at, _eight_digits(size) >> np.uint64((8 - count) * 8))
                    out[at + count] = 44
                    at += count + 1
                continue
        at = put_real(out, at, number, False)
        out[at] = 44
        at += 1
    if row.shape[0]:
        at -= 1
    out[at] = 93
    return at + 1
