"""Vectors of what customers share, from the records of the entities that events name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from model.features.compiled import jit
from model.features.entities.kinds import KINDS
from model.features.entities.merge import fold_all
from model.features.entities.read import scratch
from model.features.entities.record import NEVER, Room, pack, unpack
from model.features.families import device, merchant, network, terminal
from model.features.grouping import group

FAMILIES: Final = (merchant, terminal, device, network)  # in the order of KINDS
FEATURES: Final = tuple(feature for family in FAMILIES for feature in family.FEATURES)
DEFAULTS: Final = np.array([f.default for f in FEATURES])
_ENDS: Final = np.cumsum([len(family.FEATURES) for family in FAMILIES])
_TERMINAL: Final = int(_ENDS[0])
_DEVICE: Final = int(_ENDS[1])
_NETWORK: Final = int(_ENDS[2])


@jit
def _run(events: Any, places: Any, records: Any, memory: Any, out: Any, versions: Any) -> None:
    for i in range(events.shape[0]):
        for kind in range(places.shape[1]):
            c = places[i, kind]
            versions[i, kind] = -1
            if c < 0 or records.headers[c].newest == NEVER:
                continue
            versions[i, kind] = records.headers[c].end
            if kind == 0:
                merchant.compute(events[i], records, c, memory, out[i])
            elif kind == 1:
                terminal.compute(events[i], records, c, memory, out[i, _TERMINAL:])
            elif kind == 2:
                device.compute(events[i], records, c, memory, out[i, _DEVICE:])
            else:
                network.compute(events[i], records, c, memory, out[i, _NETWORK:])


@dataclass(frozen=True, slots=True)
class Named:
    """The entities that events name: codes u8[e], kinds u1[e]; places i4[n, kinds] of each event's, -1 for none."""

    codes: NDArray[np.uint64]
    kinds: NDArray[np.uint8]
    places: NDArray[np.int32]


def named(entities: NDArray[np.uint64]) -> Named:
    """The entities behind codes u8[n, kinds], 0 for none."""
    kinds = np.tile(np.arange(len(KINDS), dtype=np.int32), len(entities))
    flat = np.ascontiguousarray(entities).reshape(-1)
    places, firsts = group(flat, kinds)
    return Named(flat[firsts], kinds[firsts].astype(np.uint8), places.reshape(-1, len(KINDS)))


def compute(
    events: NDArray[np.void],
    target: Named,
    blobs: Sequence[bytes | None],
    out: NDArray[np.float64],
    *,
    is_ahead: bool = False,
) -> NDArray[np.int64]:
    """Write the features into out f8[n, len(FEATURES)]; returns the version of each record read, i8[n, kinds], -1 for none.

    blobs: the records of `target`, None where there is none; is_ahead: the plan of these events has not opened them yet,
    as for the API. Raises StateCorrupt.
    """
    out[:] = DEFAULTS
    versions = np.empty((len(events), len(KINDS)), np.int64)
    none = np.zeros(len(blobs), np.int64)
    records = unpack(blobs, Room(none, none) if is_ahead else None)
    if is_ahead:
        fold_all(records, target.kinds)
    _run(events, target.places, records, scratch(), out, versions)
    return versions


def unwritten(blobs: Sequence[bytes | None]) -> list[bytes]:
    """The same records as if no plan had written them."""
    records = unpack(blobs)
    records.headers["start"] = records.headers["end"] = -1
    return pack(records)
