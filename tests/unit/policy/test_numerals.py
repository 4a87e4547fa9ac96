"""Numbers as text: what is written reads back as the same bits, in as few digits as Python's own."""

from __future__ import annotations

from collections.abc import Callable

import numba
import numpy as np
import numpy.typing as npt
import orjson
import pytest

from fraud_prevention.policy.numerals import MAX_INTEGER_CHARS, MAX_REAL_CHARS, SLACK, put_integer, put_real, put_vector

Floats = npt.NDArray[np.float64]
DRAW = np.random.default_rng(20)


@numba.njit(cache=False)
def _reals(numbers: Floats, is_pointed: bool, out: npt.NDArray[np.uint8], ends: npt.NDArray[np.int64]) -> None:
    at = 0
    for i in range(len(numbers)):
        at = put_real(out, at, numbers[i], is_pointed)
        ends[i] = at


@numba.njit(cache=False)
def _integers(
    numbers: npt.NDArray[np.int64], _is_pointed: bool, out: npt.NDArray[np.uint8], ends: npt.NDArray[np.int64]
) -> None:
    at = 0
    for i in range(len(numbers)):
        at = put_integer(out, at, numbers[i])
        ends[i] = at


def written(
    numbers: npt.NDArray[np.generic], *, is_pointed: bool = False, by: Callable[..., None] = _reals
) -> list[str]:
    out = np.empty(len(numbers) * MAX_REAL_CHARS + SLACK, np.uint8)
    ends = np.zeros(len(numbers) + 1, np.int64)
    by(numbers, is_pointed, out, ends[1:])
    text = out.tobytes().decode("latin-1")
    return [text[a:b] for a, b in zip(ends[:-1].tolist(), ends[1:].tolist(), strict=True)]


def significant(text: str) -> str:
    return text.partition("e")[0].replace(".", "").strip("-0")


def any_bits() -> Floats:
    found = DRAW.integers(0, 2**64, 50_000, dtype=np.uint64).view(np.float64)
    return found[np.isfinite(found)]


NUMBERS: dict[str, Floats] = {
    "any bits": any_bits(),
    "shares": DRAW.random(50_000),
    "money": np.round(DRAW.normal(size=50_000) * 1e4, 2),
    "whole": np.round(DRAW.normal(size=50_000) * 1e9) * 1e3,
    "powers of two": np.array([2.0**k for k in range(-1074, 1024)]),
    "powers of ten": np.array([float(f"1e{k}") for k in range(-323, 309)]),
    "edges": np.array([0.0, -0.0, 5e-324, 2.2250738585072014e-308, 1.7976931348623157e308, 2.0**53, 2.0**53 + 2, 1e-5]),
}


@pytest.mark.parametrize("kind", NUMBERS)
@pytest.mark.parametrize("is_pointed", [False, True])
def test_number_reads_back_as_the_same_bits_from_as_few_digits_as_python_needs(kind: str, is_pointed: bool) -> None:
    numbers = NUMBERS[kind]
    texts = written(numbers, is_pointed=is_pointed)
    assert np.array_equal(np.array(list(map(float, texts))).view(np.int64), numbers.view(np.int64))
    back = [orjson.loads(text) for text in texts]
    assert back == numbers.tolist()
    if is_pointed:
        assert all(type(number) is float for number in back)
    assert [significant(text) for text in texts] == [significant(repr(number)) for number in numbers.tolist()]
    assert max(map(len, texts)) <= MAX_REAL_CHARS


def test_what_is_no_number_becomes_null() -> None:
    assert written(np.array([np.nan, np.inf, -np.inf])) == ["null"] * 3


def test_integers_are_written_as_python_writes_them() -> None:
    numbers = np.concatenate(
        [
            np.array([0, 9, 10, -1, 2**63 - 1, -(2**63)]),
            [s * (10**k + d) for k in range(1, 19) for d in (-1, 0, 1) for s in (1, -1)],
        ]
    )
    texts = written(numbers, by=_integers)
    assert texts == list(map(str, numbers.tolist()))
    assert max(map(len, texts)) <= MAX_INTEGER_CHARS


@pytest.mark.parametrize("count", [0, 1, 100])
def test_vector_is_a_list_of_its_numbers(count: int) -> None:
    row = np.where(DRAW.random(count) < 0.5, DRAW.integers(0, 10**9, count), DRAW.normal(size=count))
    row[: count // 20] = -0.0
    out = np.empty(count * (MAX_REAL_CHARS + 1) + 2 + SLACK, np.uint8)
    text = out[: put_vector(out, 0, row)].tobytes()
    assert np.array_equal(np.array(orjson.loads(text), np.float64).view(np.int64), row.view(np.int64))
