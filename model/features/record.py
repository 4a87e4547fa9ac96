"""The state of one customer: a fixed header and the live events, packed.

The record can go back to the version before the batch that wrote it without keeping a copy: every entry
carries its log offset, and the header keeps the few scalars of the version before (`*_base`). So a retried
batch finds a header with its own start offset, drops the entries at or after it, and starts from the same
state as the first attempt. Entries leave the record only when a *later* batch opens it.

Little-endian, fixed layout: the bytes are the schema, `SCHEMA` is its version.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from fraud_prevention.domain.errors import StateCorrupt

SCHEMA: Final = 0x46530002  # "FS", version 2
SCHEMA_BEFORE: Final = 0x46530001  # is read too: amounts stood alone where amount and terminal are one word now
CAP: Final = 256  # live events kept per customer; beyond it the oldest are forgotten
WINDOW_MS: Final = 30 * 86_400_000  # the longest window of the catalogue
NEVER: Final = -(2**62)  # before any event time and any offset
PENDING_OFFSET: Final = 2**62  # accepted by the API, place in the log not known yet

ENTRY: Final = np.dtype(
    [
        ("event_time", "<i8"),  # ms since 1970, UTC
        ("money", "<u8"),  # base currency, minor units, times 2^24, plus the low 24 bits of the terminal's code
        ("offset", "<i8"),  # place in the log
        ("transaction", "<u8"),  # hash of the id
        ("card", "<u4"),
        ("merchant", "<u4"),
        ("device", "<u4"),  # 0 where the event names none
        ("ip", "<u4"),  # 0 where the event names none
        ("lat", "<f4"),  # degrees, NaN where unknown
        ("lon", "<f4"),
        ("mcc", "<u2"),
        ("country", "<u2"),
        ("channel", "<u1"),  # place in domain.transaction.CHANNELS
        ("local_hour", "<u1"),
        ("flags", "<u1"),
        ("reserved", "<u1"),
    ]
)
WEEKEND: Final = 1
FOREIGN_CURRENCY: Final = 2
DECLINED: Final = 4  # by the issuer: an attempt, but no money
DECLINED_BASE: Final = 8  # the same before the batch that wrote the record
FRAUD: Final = 16  # the newest label says so
FRAUD_BASE: Final = 32

# What is said later of a transaction that the record holds.
MARK: Final = np.dtype(
    [
        ("customer", "<i4"),  # place in headers
        ("before", "<i4"),  # the event of the batch that is the first to see it; past the last for none
        ("transaction", "<u8"),  # hash of the id
        ("flag", "<u1"),  # DECLINED or FRAUD
        ("is_set", "<u1"),
    ]
)

HEADER: Final = np.dtype(
    [
        ("schema", "<u4"),
        ("count", "<u4"),  # entries that follow
        ("log", "<u8"),  # hash of the topic's id: another log, another state
        ("partition", "<i4"),
        ("reserved", "<i4"),
        ("start_offset", "<i8"),  # first offset of the batch that wrote the record
        ("end_offset", "<i8"),  # last offset of that batch
        ("last_offset", "<i8"),  # last offset of this customer: the record's version
        ("last_offset_base", "<i8"),
        ("total", "<i8"),  # events ever
        ("total_base", "<i8"),
        ("first_seen", "<i8"),  # event time of the first event in the log
        ("newest", "<i8"),  # greatest event time
        ("newest_base", "<i8"),
        ("floor", "<i8"),  # entries at or before it are forgotten
        ("floor_base", "<i8"),
    ]
)
Entries = NDArray[np.void]
Headers = NDArray[np.void]


def empty_headers(count: int) -> Headers:
    """Headers of `count` customers nobody has seen."""
    headers = np.zeros(count, HEADER)
    headers["schema"] = SCHEMA
    headers["partition"] = -1
    for name in ("start_offset", "end_offset", "last_offset", "last_offset_base"):
        headers[name] = -1
    for name in ("newest", "newest_base", "floor", "floor_base"):
        headers[name] = NEVER
    return headers


def partition_of(record: bytes | None) -> int:
    """The partition that writes the record, -1 for none. Raises StateCorrupt."""
    if record is None:
        return -1
    if len(record) < HEADER.itemsize:
        raise StateCorrupt("customer", f"{len(record)} bytes are no record")
    return int(np.frombuffer(record, HEADER, 1)["partition"][0])


_EMPTY: Final = empty_headers(1).tobytes()
_BLANK: Final = bytes(ENTRY.itemsize)


def unpack(
    keys: list[str], blobs: list[bytes | None], room: NDArray[np.int64]
) -> tuple[Headers, Entries, NDArray[np.int64]]:
    """Lay records out side by side, with space for `room[i]` more entries behind record i.

    Returns headers[c], entries[total] and starts[c] (index of each customer's first entry). Raises
    StateCorrupt for bytes of another layout.
    """
    size, entry = HEADER.itemsize, ENTRY.itemsize
    heads: list[bytes] = []
    body: list[bytes] = []
    for key, blob, extra in zip(keys, blobs, room.tolist(), strict=True):
        if blob is None:
            heads.append(_EMPTY)
        else:
            if len(blob) < size or (len(blob) - size) % entry:
                raise StateCorrupt(key, f"{len(blob)} bytes are no record")
            heads.append(blob[:size])
            body.append(blob[size:])
        body.append(_BLANK * extra)
    headers = np.frombuffer(bytearray(b"".join(heads)), HEADER)
    entries = np.frombuffer(bytearray(b"".join(body)), ENTRY)
    _upgrade(headers, entries, room)
    wrong = np.flatnonzero(headers["schema"] != SCHEMA)
    if wrong.size:
        found = int(headers["schema"][wrong[0]])
        raise StateCorrupt(keys[int(wrong[0])], f"layout {found:#x}, this reader knows {SCHEMA:#x}")
    counts = headers["count"].astype(np.int64)
    starts = np.zeros(len(keys), np.int64)
    np.cumsum((counts + room)[:-1], out=starts[1:])
    if starts.size and starts[-1] + counts[-1] + room[-1] != entries.size:
        raise StateCorrupt(keys[0], "entry counts and lengths of the batch disagree")
    return headers, entries, starts


def _upgrade(headers: Headers, entries: Entries, room: NDArray[np.int64]) -> None:
    """Bring records of the layout before this one up to it, in place: their entries name no terminal."""
    old = headers["schema"] == SCHEMA_BEFORE
    if old.any():
        is_old = np.repeat(old, headers["count"] + room)
        entries["money"][is_old] <<= np.uint64(24)
        headers["schema"][old] = SCHEMA


def pack(headers: Headers, entries: Entries, starts: NDArray[np.int64]) -> list[bytes]:
    """The inverse of `unpack`: one record of bytes per customer."""
    size, entry = HEADER.itemsize, ENTRY.itemsize
    heads, body = headers.tobytes(), entries.tobytes()
    found = []
    for i, (start, count) in enumerate(zip(starts.tolist(), headers["count"].tolist(), strict=True)):
        found.append(heads[i * size : (i + 1) * size] + body[start * entry : (start + count) * entry])
    return found
