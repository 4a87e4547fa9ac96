"""Vectors of what customers share, from the records of the entities that events name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from model.features.compiled import jit
from model.features.entities.kinds import KINDS
from model.features.entities.merge import MEETING, clip_amount, fold_all
from model.features.entities.read import scratch
from model.features.entities.record import NEVER, Records, Room, pack, unpack
from model.features.families import device, merchant, network, terminal

FAMILIES: Final = (merchant, terminal, device, network)  # in the order of KINDS
FEATURES: Final = tuple(feature for family in FAMILIES for feature in family.FEATURES)
DEFAULTS: Final = np.array([f.default for f in FEATURES])
_WIDTHS: Final = np.array([len(family.FEATURES) for family in FAMILIES], np.int64)
_FIRSTS: Final = np.cumsum(_WIDTHS) - _WIDTHS
_MERCHANT: Final = 0
_TERMINAL: Final = 1
_DEVICE: Final = 2


@jit
def _compute(kind: int, now: int, amount: int, records: Any, c: int, memory: Any, out: Any) -> None:
    first = _FIRSTS[kind]
    for f in range(_WIDTHS[kind]):
        out[f] = DEFAULTS[first + f]
    if records.headers[c].newest == NEVER:
        return
    if kind == _MERCHANT:
        merchant.compute(now, amount, records, c, memory, out)
    elif kind == _TERMINAL:
        terminal.compute(now, records, c, memory, out)
    elif kind == _DEVICE:
        device.compute(now, records, c, memory, out)
    else:
        network.compute(now, records, c, memory, out)


@jit
def _answer(meetings: Any, places: Any, records: Any, memory: Any, out: Any) -> None:
    at = 0
    for i in range(meetings.shape[0]):
        m = meetings[i]
        end = at + _WIDTHS[m.kind]
        _compute(int(m.kind), m.time, int(m.amount), records, places[i], memory, out[at:end])
        at = end


@jit
def _fill(rows: Any, kinds: Any, answers: Any, out: Any) -> None:
    at = 0
    for i in range(rows.shape[0]):
        first = _FIRSTS[kinds[i]]
        for f in range(_WIDTHS[kinds[i]]):
            out[rows[i], first + f] = answers[at]
            at += 1


def answer(meetings: NDArray[np.void], places: NDArray[np.int32], records: Records) -> NDArray[np.float64]:
    """The features of the entity of each MEETING[m], one after the other, as `fill` takes them.

    places: of each meeting's entity in records, which hold the meetings' whole plan.
    """
    found = np.empty(int(_WIDTHS[meetings["kind"]].sum()))
    _answer(meetings, places, records, scratch(), found)
    return found


def fill(
    rows: NDArray[np.intp], kinds: NDArray[np.uint8], answers: NDArray[np.float64], out: NDArray[np.float64]
) -> None:
    """Put answers about meetings into out f8[n, len(FEATURES)]; rows and kinds of each meeting."""
    _fill(rows, kinds, answers, out)


def answers_sizes(kinds: NDArray[np.uint8]) -> NDArray[np.int64]:
    """How many values `answer` gives of meetings of these kinds."""
    return _WIDTHS[kinds]


def compute_ahead(
    entities: NDArray[np.uint64],
    event_time: int,
    amount_minor: int,
    blobs: Sequence[bytes | None],
    out: NDArray[np.float64],
) -> NDArray[np.int64]:
    """Features of one event that no plan has taken in yet, written into out f8[len(FEATURES)].

    entities: codes u8[kinds], 0 for none; blobs: their records as the plans so far have left them, None where there is
    none. Returns the version of each record, i8[kinds], -1 for none. Raises StateCorrupt.
    """
    kinds = np.flatnonzero(entities).astype(np.uint8)
    none = np.zeros(len(kinds), np.int64)
    records = unpack([blobs[kind] for kind in kinds.tolist()], Room(none, none))
    fold_all(records, kinds)
    met = np.zeros(len(kinds), MEETING)
    met["kind"], met["time"], met["amount"] = kinds, event_time, clip_amount(amount_minor)
    out[:] = DEFAULTS
    fill(np.zeros(len(kinds), np.intp), kinds, answer(met, np.arange(len(kinds), dtype=np.int32), records), out[None])
    versions = np.full(len(KINDS), -1, np.int64)
    versions[kinds] = np.where(records.headers["newest"] == NEVER, -1, records.headers["end"])
    return versions


def unwritten(blobs: Sequence[bytes | None]) -> list[bytes]:
    """The same records as if no plan had written them."""
    records = unpack(blobs)
    records.headers["start"] = records.headers["end"] = -1
    return pack(records)
