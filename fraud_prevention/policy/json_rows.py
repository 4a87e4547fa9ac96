"""JSON objects with the same members: what differs between rows comes in columns.

A `Template` is made once for a shape of objects; `write` fills it for n rows, many by one compiled loop and a few one by
one, because a loop over columns has a fixed price. Nothing here knows what the objects mean.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import pairwise
from typing import Any, Final

import numba
import numpy as np
import numpy.typing as npt
import orjson

from fraud_prevention.policy.machine_words import Bytes, load_word, store_word
from fraud_prevention.policy.numerals import (
    MAX_INTEGER_CHARS,
    MAX_REAL_CHARS,
    SLACK,
    put_integer,
    put_real,
    put_vector,
)

Places = npt.NDArray[np.int64]
# Below it, filling rows one by one is cheaper.
MANY_ROWS: Final = 24


class Slot(Enum):
    """What a member of a row is filled from; it has the member's name among the columns."""

    TEXT = 0  # a column of texts: UTF-8, escaped where JSON wants it
    JSON = 1  # a column of texts that are JSON already
    INTEGER = 2
    REAL = 3  # float64, whole ones with ".0"
    VECTOR = 4  # the row of the matrix


Members = dict[str, "Slot | Members | str | float | tuple[str, ...]"]


@dataclass(frozen=True, slots=True)
class Texts:
    """n UTF-8 texts: row i is data[starts[i]:ends[i]]; rows may share bytes. is_plain: none needs an escape in JSON."""

    data: Bytes
    starts: Places
    ends: Places
    is_plain: bool = False

    def __getitem__(self, row: int) -> bytes:
        return self.data[self.starts[row] : self.ends[row]].tobytes()

    def tolist(self) -> list[bytes]:
        """The texts, one after the other."""
        data = self.data.tobytes()
        return [data[start:end] for start, end in zip(self.starts.tolist(), self.ends.tolist(), strict=True)]

    def escaped(self) -> Texts:
        """The same texts as they stand between the quotes of a JSON string."""
        data = self.data
        if self.is_plain or not ((data < 0x20) | (data == 0x22) | (data == 0x5C)).any():
            return self
        return as_texts([orjson.dumps(text.decode())[1:-1] for text in self.tolist()])


TextColumn = Texts | Sequence[bytes]


def coded(values: Sequence[bytes], codes: npt.NDArray[np.integer[Any]]) -> TextColumn:
    """A column of n texts of which row i is values[codes[i]]."""
    if len(codes) < MANY_ROWS:
        return [values[code] for code in codes.tolist()]
    few = as_texts(values)
    return Texts(few.data, few.starts[codes], few.ends[codes])


def as_texts(column: TextColumn) -> Texts:
    """The column in one buffer."""
    if isinstance(column, Texts):
        return column
    bounds = np.zeros(len(column) + 1, np.int64)
    np.cumsum(np.fromiter(map(len, column), np.int64, len(column)), out=bounds[1:])
    return Texts(np.frombuffer(b"".join(column), np.uint8), bounds[:-1], bounds[1:])


@dataclass(frozen=True, slots=True)
class Columns:
    """What fills the slots of n rows, each column under the name of its slot."""

    texts: Mapping[str, TextColumn]
    integers: Mapping[str, Sequence[int] | Places]
    reals: Mapping[str, Sequence[float] | npt.NDArray[np.float64]]


class Template:
    """The shape of a row: literals, and slots between them."""

    def __init__(self, members: Members) -> None:
        """Members in the order they are written; values that are no slot are the same in every row."""
        self._members = members
        self._slots: list[tuple[str, Slot]] = []
        literals = [b""]
        self._add(members, literals)
        self._literals = as_texts([*literals, bytes(SLACK)])
        self._kinds = np.array([slot.value for _, slot in self._slots], np.int64)
        counts = dict.fromkeys(Slot, 0)
        self._places = np.zeros(len(self._slots), np.int64)  # which column of its kind
        for i, (_, slot) in enumerate(self._slots):
            kind = Slot.TEXT if slot is Slot.JSON else slot
            self._places[i] = counts[kind]
            counts[kind] += 1
        self._row_chars = (
            sum(map(len, literals)) + counts[Slot.INTEGER] * MAX_INTEGER_CHARS + counts[Slot.REAL] * MAX_REAL_CHARS
        )

    def _add(self, members: Members, literals: list[bytes]) -> None:
        opening = b"{"
        for name, value in members.items():
            literals[-1] += opening + orjson.dumps(name) + b":"
            opening = b","
            if isinstance(value, Slot):
                quote = b'"' if value is Slot.TEXT else b""
                self._slots.append((name, value))
                literals[-1] += quote
                literals.append(quote)
            elif isinstance(value, dict):
                self._add(value, literals)
            else:
                literals[-1] += orjson.dumps(value)
        literals[-1] += b"{}" if not members else b"}"

    def write(self, columns: Columns, vectors: npt.NDArray[np.float64]) -> list[bytes]:
        """The rows' JSON. Columns of n by the names of their slots; vectors float64[n, F] (F = 0 without any).

        Raises KeyError for a missing column.
        """
        if len(vectors) < MANY_ROWS:
            return [
                orjson.dumps(_filled(self._members, columns, vectors, row), option=orjson.OPT_SERIALIZE_NUMPY)
                for row in range(len(vectors))
            ]
        out, bounds = self._write_many(columns, vectors)
        whole, places = out.tobytes(), bounds.tolist()
        return [whole[start:end] for start, end in pairwise(places)]

    def column(self, columns: Columns, rows: int) -> TextColumn:
        """Likewise, without vectors, as a column of other rows."""
        vectors = np.empty((rows, 0))
        if rows < MANY_ROWS:
            return self.write(columns, vectors)
        out, bounds = self._write_many(columns, vectors)
        return Texts(out, bounds[:-1], bounds[1:])

    def _write_many(self, columns: Columns, vectors: npt.NDArray[np.float64]) -> tuple[Bytes, Places]:
        """All rows in one buffer, and where each begins and ends: i8[n + 1]."""
        rows = len(vectors)
        texts = [as_texts(columns.texts[name]) for name, _ in self._of(*_TEXTUAL)]
        for i, (_, slot) in enumerate(self._of(*_TEXTUAL)):
            if slot is Slot.TEXT:
                texts[i] = texts[i].escaped()
        data, starts, ends = _together(texts, rows)
        integers = np.zeros((len(self._of(Slot.INTEGER)), rows), np.int64)
        for i, (name, _) in enumerate(self._of(Slot.INTEGER)):
            integers[i] = columns.integers[name]
        reals = np.zeros((len(self._of(Slot.REAL)), rows))
        for i, (name, _) in enumerate(self._of(Slot.REAL)):
            reals[i] = columns.reals[name]
        room = int((ends - starts).sum()) + rows * (self._row_chars + 2 + vectors.shape[1] * (MAX_REAL_CHARS + 1))
        out, bounds = np.empty(room + 4 * SLACK, np.uint8), np.zeros(rows + 1, np.int64)
        literals = self._literals
        _fill(
            self._kinds, self._places, literals.data, literals.starts, literals.ends,
            data, starts, ends, integers, reals, np.ascontiguousarray(vectors, np.float64), out, bounds,
        )  # fmt: skip
        return out[: bounds[-1]], bounds

    def _of(self, *kinds: Slot) -> list[tuple[str, Slot]]:
        return [(name, slot) for name, slot in self._slots if slot in kinds]


def _filled(members: Members, columns: Columns, vectors: npt.NDArray[np.float64], row: int) -> dict[str, Any]:
    """One row as a dictionary."""
    found: dict[str, Any] = {}
    for name, value in members.items():
        if not isinstance(value, Slot):
            found[name] = _filled(value, columns, vectors, row) if isinstance(value, dict) else value
        elif value is Slot.TEXT:
            found[name] = columns.texts[name][row].decode()
        elif value is Slot.JSON:
            found[name] = orjson.Fragment(columns.texts[name][row])
        elif value is Slot.INTEGER:
            found[name] = int(columns.integers[name][row])
        elif value is Slot.REAL:
            found[name] = float(columns.reals[name][row])
        else:
            found[name] = np.ascontiguousarray(vectors[row], np.float64)
    return found


_TEXTUAL: Final = (Slot.TEXT, Slot.JSON)


def _together(columns: Sequence[Texts], rows: int) -> tuple[Bytes, Places, Places]:
    """One buffer for all columns, readable SLACK bytes beyond its end, with i8[T, n] starts and ends.

    Columns that share a buffer share it here too.
    """
    starts, ends = np.zeros((len(columns), rows), np.int64), np.zeros((len(columns), rows), np.int64)
    placed: dict[int, int] = {}
    buffers: list[Bytes] = []
    size = 0
    for i, column in enumerate(columns):
        at = placed.get(id(column.data))
        if at is None:
            at = placed[id(column.data)] = size
            buffers.append(column.data)
            size += len(column.data)
        starts[i], ends[i] = column.starts + at, column.ends + at
    return np.concatenate([*buffers, np.zeros(SLACK, np.uint8)]), starts, ends


@numba.njit(cache=True)
def _put_bytes(out: Bytes, at: int, source: Bytes, start: int, end: int) -> int:
    for i in range(0, end - start, 8):
        store_word(out, at + i, load_word(source, start + i))
    return at + end - start


@numba.njit(cache=True)
def _fill(
    kinds: Places,
    places: Places,
    literals: Bytes,
    literal_starts: Places,
    literal_ends: Places,
    texts: Bytes,
    starts: Places,
    ends: Places,
    integers: npt.NDArray[np.int64],
    reals: npt.NDArray[np.float64],
    vectors: npt.NDArray[np.float64],
    out: Bytes,
    bounds: Places,
) -> None:
    at, count = 0, kinds.shape[0]
    for row in range(vectors.shape[0]):
        for i in range(count):
            at = _put_bytes(out, at, literals, int(literal_starts[i]), int(literal_ends[i]))
            kind, place = kinds[i], places[i]
            if kind <= 1:
                at = _put_bytes(out, at, texts, int(starts[place, row]), int(ends[place, row]))
            elif kind == 2:
                at = put_integer(out, at, integers[place, row])
            elif kind == 3:
                at = put_real(out, at, reals[place, row], True)
            else:
                at = put_vector(out, at, vectors[row])
        at = _put_bytes(out, at, literals, int(literal_starts[count]), int(literal_ends[count]))
        bounds[row + 1] = at


def warm_writer() -> None:
    """Load the compiled loop from its cache, or compile it into it, so that no record waits for that."""
    Template({"vector": Slot.VECTOR}).write(Columns({}, {}, {}), np.zeros((MANY_ROWS, 1)))
