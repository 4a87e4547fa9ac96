"""What is known of one shared entity: header, day tiles, labels and sightings, packed.

A record is order-free: sightings are a set by (event time, transaction), labels keep the earliest report of fraud and
the first withdrawal since, so the same inputs give the same bytes in whatever order, and whichever attempt of a
plan wrote them. Only a *later* plan moves sightings out of the ring.

Little-endian, fixed layout: the bytes are the schema, `SCHEMA` is its version.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fraud_prevention.domain.errors import StateCorrupt
from model.features.compiled import jit

SCHEMA: Final = 0x46450001  # "FE", version 1
NEVER: Final = -(2**62)  # before any event time and any offset
FOREVER: Final = 2**62
NOT_REPORTED: Final = 2**32 - 1  # no report of fraud

HEADER: Final = np.dtype(
    [
        ("schema", "<u4"),
        ("log", "<u4"),  # hash of the topic's id: another log, another state
        ("start", "<i8"),  # where the plan that wrote the record begins, summed over partitions and topics
        ("end", "<i8"),  # where it ends, likewise: the record's version
        ("first_seen", "<i8"),  # smallest event time
        ("newest", "<i8"),  # greatest event time
        ("floor", "<i8"),  # sightings at or before it have left the ring
        ("count", "<u4"),
        ("labels", "<u2"),
        ("tiles", "<u2"),
    ]
)
SIGHTING: Final = np.dtype(
    [
        ("when", "<i8"),  # event time in ms times 256, plus flags
        ("code", "<u4"),  # low half of the transaction's code
        ("card", "<u4"),
        ("amount", "<u4"),  # base currency, minor units, clipped at 2^32 - 1
    ]
)
LABEL: Final = np.dtype(
    [
        ("time", "<i8"),  # of the transaction, ms
        ("code", "<u4"),
        ("fraud_at", "<u4"),  # s since 1970 when fraud was first reported, NOT_REPORTED without
        ("cleared_at", "<u4"),  # s since 1970 when first found genuine since then, 0 without
        ("flags", "<u4"),  # MET, and the sighting's EXPLAINED
    ]
)
TILE: Final = np.dtype([("day", "<i4"), ("count", "<u4"), ("amount", "<i8")])

MOST_LABELS: Final = 2**16 - 1  # what the header can count; further ones within one plan are forgotten
EXPLAINED: Final = 1  # the card's own history explains the suspicion: the amount was large for it
LABELLED: Final = 2  # the record holds a label of the sighting
MET: Final = 4  # on a label: the sighting was in the ring when the label came

Array = NDArray[Any]


class Records(NamedTuple):
    """Records laid out side by side. Each of the three parts has its starts, int64[records]."""

    headers: Array
    tiles: Array
    tile_starts: Array
    labels: Array
    label_starts: Array
    sightings: Array
    starts: Array


def _empty_header() -> bytes:
    header = np.zeros(1, HEADER)
    header["schema"] = SCHEMA
    header["start"] = header["end"] = -1
    header["newest"] = header["floor"] = NEVER
    header["first_seen"] = FOREVER
    return header.tobytes()


EMPTY: Final = _empty_header()


@jit
def _copy(target: Any, to: int, source: Any, start: int, size: int) -> None:
    for k in range(size):
        target[to + k] = source[start + k]


@jit
def _gather(
    source: Any, at: Any, tiles: Any, labels: Any, sightings: Any, starts: Any, sizes: Any, counts: Any
) -> None:
    """Copy the three ragged parts of every record, which lie behind its header, to where the arrays want them."""
    for i in range(at.shape[0]):
        place = at[i]
        for part, array in enumerate((tiles, labels, sightings)):
            size = counts[part, i] * sizes[part]
            _copy(array, starts[part, i] * sizes[part], source, place, size)
            place += size


@jit
def _scatter(
    buffer: Any, at: Any, tiles: Any, labels: Any, sightings: Any, starts: Any, sizes: Any, counts: Any
) -> None:
    """The inverse of `_gather`."""
    for i in range(at.shape[0]):
        place = at[i]
        for part, array in enumerate((tiles, labels, sightings)):
            size = counts[part, i] * sizes[part]
            _copy(buffer, place, array, starts[part, i] * sizes[part], size)
            place += size


_SIZES: Final = np.array([TILE.itemsize, LABEL.itemsize, SIGHTING.itemsize], np.int64)


@jit
def _gather_heads(source: Any, at: Any, heads: Any, width: int) -> None:
    for i in range(at.shape[0]):
        _copy(heads, i * width, source, at[i], width)


@jit
def _scatter_heads(buffer: Any, at: Any, heads: Any, width: int) -> None:
    for i in range(at.shape[0]):
        _copy(buffer, at[i], heads, i * width, width)


def _counts_of(headers: Array) -> NDArray[np.int64]:
    return np.stack([headers["tiles"], headers["labels"], headers["count"]]).astype(np.int64)


@dataclass(frozen=True, slots=True)
class Room:
    """Space for what a batch may add to each record: int64[records] of labels and of sightings."""

    labels: NDArray[np.int64]
    sightings: NDArray[np.int64]


def unpack(blobs: Sequence[bytes | None], room: Room | None = None) -> Records:
    """Lay records out side by side, with space for what a batch may add.

    Raises StateCorrupt for bytes of another layout.
    """
    held = [EMPTY if b is None else b for b in blobs]
    lengths = np.fromiter(map(len, held), np.int64, len(held))
    if lengths.size and lengths.min() < HEADER.itemsize:
        raise StateCorrupt("entity record", f"{int(lengths.min())} bytes are no record")
    at = np.zeros(len(held), np.int64)
    np.cumsum(lengths[:-1], out=at[1:])
    source = np.frombuffer(b"".join(held), np.uint8)
    headers = np.zeros(len(held), HEADER)
    _gather_heads(source, at, headers.view(np.uint8), HEADER.itemsize)
    wrong = np.flatnonzero(headers["schema"] != SCHEMA)
    if wrong.size:
        raise StateCorrupt("entity record", f"layout {int(headers['schema'][wrong[0]]):#x}, known is {SCHEMA:#x}")
    counts = _counts_of(headers)
    if (counts * _SIZES[:, None]).sum(0).tolist() != (lengths - HEADER.itemsize).tolist():
        raise StateCorrupt("entity record", "counts and length disagree")
    space = counts
    if room is not None:  # each sighting that leaves the ring may open a tile
        space = counts + np.stack([counts[2], room.labels, room.sightings])
    starts = np.zeros_like(space)
    np.cumsum(space[:, :-1], axis=1, out=starts[:, 1:])
    totals = space.sum(1)
    tiles, labels, sightings = (
        np.zeros(int(total), dtype) for total, dtype in zip(totals, (TILE, LABEL, SIGHTING), strict=True)
    )
    parts = (tiles.view(np.uint8), labels.view(np.uint8), sightings.view(np.uint8))
    _gather(source, at + HEADER.itemsize, *parts, starts, _SIZES, counts)
    return Records(headers, tiles, starts[0], labels, starts[1], sightings, starts[2])


def pack(records: Records) -> list[bytes]:
    """The inverse of `unpack`: the bytes of each record."""
    headers = records.headers
    counts = _counts_of(headers)
    lengths = (counts * _SIZES[:, None]).sum(0) + HEADER.itemsize
    ends = np.cumsum(lengths)
    at = ends - lengths
    buffer = np.empty(int(lengths.sum()), np.uint8)
    parts = (records.tiles.view(np.uint8), records.labels.view(np.uint8), records.sightings.view(np.uint8))
    starts = np.stack([records.tile_starts, records.label_starts, records.starts])
    width = HEADER.itemsize
    _scatter_heads(buffer, at, headers.view(np.uint8), width)
    _scatter(buffer, at + width, *parts, starts, _SIZES, counts)
    whole = buffer.tobytes()
    return [whole[a:b] for a, b in zip(at.tolist(), ends.tolist(), strict=True)]
