"""Randomness without state: every draw is a hash of (seed, purpose, keys).

So a customer's day does not depend on who was drawn before, on the number of workers, or on where a run
starts: equal seed, equal bytes.
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import blake2b
from typing import Any

import numpy as np
import numpy.typing as npt

U64 = npt.NDArray[np.uint64]
F64 = npt.NDArray[np.float64]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_M1 = np.uint64(0xBF58476D1CE4E5B9)
_M2 = np.uint64(0x94D049BB133111EB)


def mix(x: U64) -> U64:
    """splitmix64's finaliser: a bijection of 64-bit words in which every input bit moves every output bit."""
    with np.errstate(over="ignore"):
        x = (x ^ (x >> np.uint64(30))) * _M1
        x = (x ^ (x >> np.uint64(27))) * _M2
        return x ^ (x >> np.uint64(31))


@lru_cache(maxsize=256)
def purpose_word(purpose: str) -> np.uint64:
    """A fixed word for each purpose, so that two draws from the same keys are independent."""
    return np.uint64(int.from_bytes(blake2b(purpose.encode(), digest_size=8).digest(), "little"))


def uniform_of(words: U64) -> F64:
    """Words to [0, 1), 53 bits."""
    return np.asarray(words >> np.uint64(11), dtype=np.float64) * 2.0**-53


class Keyed:
    """Draws that belong to the same keys, one row each; every purpose gives an independent column."""

    def __init__(self, key: U64) -> None:
        self.key = key

    def word(self, purpose: str) -> U64:
        """64 random bits a row."""
        return mix(self.key ^ purpose_word(purpose))

    def uniform(self, purpose: str) -> F64:
        """Uniform in [0, 1)."""
        return uniform_of(self.word(purpose))

    def normal(self, purpose: str) -> F64:
        """Standard normal, by Box and Muller."""
        word = self.word(purpose)
        radius = np.sqrt(-2.0 * np.log(1.0 - uniform_of(word)))
        return np.asarray(radius * np.cos(2.0 * np.pi * uniform_of(mix(word ^ _GOLDEN))))

    def below(self, purpose: str, limits: Any) -> npt.NDArray[np.int64]:
        """Uniform integers in [0, limit), one limit or one a row."""
        return np.asarray(self.uniform(purpose) * limits, dtype=np.int64)


class Draws:
    """The root of a world's randomness."""

    def __init__(self, seed: int) -> None:
        self._root = mix(np.array([seed & 0xFFFFFFFFFFFFFFFF], dtype=np.uint64) + _GOLDEN)

    def keyed(self, *keys: Any) -> Keyed:
        """Draws for rows named by integer keys (arrays that broadcast, or numbers)."""
        word = self._root
        with np.errstate(over="ignore"):
            for key in keys:
                word = mix((word ^ np.asarray(key, dtype=np.int64).astype(np.uint64)) + _GOLDEN)
        return Keyed(word)

    def generator(self, purpose: str, *keys: int) -> np.random.Generator:
        """A numpy generator of its own for one story: few rows, many different distributions."""
        words = [int(self._root[0]), int(purpose_word(purpose)), *(key & 0xFFFFFFFF for key in keys)]
        return np.random.Generator(np.random.PCG64(words))
