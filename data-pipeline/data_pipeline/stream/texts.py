"""Texts that lie about in one buffer: each distinct one found once."""

from __future__ import annotations

from typing import Final

import numba
import numpy as np
from numpy.typing import NDArray

from data_pipeline.stream.hashing import xxh64
from fraud_prevention.policy.machine_words import Bytes

Places = NDArray[np.int64]
# Bytes that must be readable behind the last text: loops take eight at a time.
SLACK: Final = 32


def distinct(data: Bytes, starts: Places, ends: Places) -> tuple[NDArray[np.int32], Places]:
    """codes[n], and the row where each code occurs first; codes in the order of appearance."""
    size = 64
    while True:
        codes, firsts, count = _distinct(data, starts, ends, size)
        if count >= 0:
            return codes, firsts[:count]
        size *= 8


def decoded(text: bytes, start: int, end: int) -> str | None:
    """One text of the buffer, None where it is empty."""
    return text[start:end].decode() if end > start else None


@numba.njit(cache=True, nogil=True)
def _is_same(data: Bytes, start: int, other: int, length: int) -> bool:
    at = 0
    while at < length and data[start + at] == data[other + at]:
        at += 1
    return at == length


@numba.njit(cache=True, nogil=True)
def _distinct(
    data: Bytes, starts: Places, ends: Places, size: int
) -> tuple[NDArray[np.int32], Places, int]:  # the count is -1 where `size`, a power of two, is too small
    rows = starts.shape[0]
    codes = np.empty(rows, np.int32)
    firsts = np.empty(size // 2, np.int64)
    seats = np.full(size, -1, np.int32)
    count = 0
    for row in range(rows):
        start, length = starts[row], ends[row] - starts[row]
        seat = np.int64(xxh64(data, start, ends[row]) & np.uint64(size - 1))
        while True:
            code = seats[seat]
            if code < 0:
                if count == size // 2:
                    return codes, firsts, -1
                seats[seat] = codes[row] = count
                firsts[count] = row
                count += 1
                break
            first = firsts[code]
            if ends[first] - starts[first] == length and _is_same(data, starts[first], start, length):
                codes[row] = code
                break
            seat = (seat + 1) & (size - 1)
    return codes, firsts, count
