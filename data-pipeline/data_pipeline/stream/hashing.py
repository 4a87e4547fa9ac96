"""The hash of `model.features.codes` for compiled loops: XXH64 with the same seed, of a stretch of a byte array."""

from __future__ import annotations

from typing import Final

import numpy as np

from fraud_prevention.policy.machine_words import Bytes, load_word
from model.features.compiled import jit

_P1: Final = np.uint64(0x9E3779B185EBCA87)
_P2: Final = np.uint64(0xC2B2AE3D27D4EB4F)
_P3: Final = np.uint64(0x165667B19E3779F9)
_P4: Final = np.uint64(0x85EBCA77C2B2AE63)
_P5: Final = np.uint64(0x27D4EB2F165667C5)
_SEED: Final = np.uint64(42)  # the one of model.features.codes
_WIDTH: Final = np.uint64(64)
_LOW_32: Final = np.uint64(0xFFFFFFFF)
_LOW_8: Final = np.uint64(0xFF)
# What the lanes of a long text begin with; they wrap around, which Python's integers do not.
_LANES: Final = np.array([(42 + start) % 2**64 for start in (int(_P1) + int(_P2), int(_P2), 0, -int(_P1))], np.uint64)


@jit
def _turned(x: np.uint64, count: int) -> np.uint64:
    bits = np.uint64(count)
    return (x << bits) | (x >> (_WIDTH - bits))


@jit
def _round(lane: np.uint64, word: np.uint64) -> np.uint64:
    return _turned(lane + word * _P2, 31) * _P1


@jit
def xxh64(data: Bytes, start: int, end: int) -> np.uint64:
    """64-bit hash of data[start:end]; reads up to seven bytes beyond `end`."""
    at = start
    if end - start >= 32:
        a, b, c, d = _LANES[0], _LANES[1], _LANES[2], _LANES[3]
        while at + 32 <= end:
            a, b = _round(a, load_word(data, at)), _round(b, load_word(data, at + 8))
            c, d = _round(c, load_word(data, at + 16)), _round(d, load_word(data, at + 24))
            at += 32
        h = _turned(a, 1) + _turned(b, 7) + _turned(c, 12) + _turned(d, 18)
        h = (h ^ _round(np.uint64(0), a)) * _P1 + _P4
        h = (h ^ _round(np.uint64(0), b)) * _P1 + _P4
        h = (h ^ _round(np.uint64(0), c)) * _P1 + _P4
        h = (h ^ _round(np.uint64(0), d)) * _P1 + _P4
    else:
        h = _SEED + _P5
    h += np.uint64(end - start)
    while at + 8 <= end:
        h = _turned(h ^ _round(np.uint64(0), load_word(data, at)), 27) * _P1 + _P4
        at += 8
    rest = load_word(data, at)
    if at + 4 <= end:
        h = _turned(h ^ ((rest & _LOW_32) * _P1), 23) * _P2 + _P3
        rest >>= np.uint64(32)
        at += 4
    while at < end:
        h = _turned(h ^ ((rest & _LOW_8) * _P5), 11) * _P1
        rest >>= np.uint64(8)
        at += 1
    h = (h ^ (h >> np.uint64(33))) * _P2
    h = (h ^ (h >> np.uint64(29))) * _P3
    return h ^ (h >> np.uint64(32))
