"""Records of `features.v1`, as far as a comparison needs them."""

from __future__ import annotations

import re
from typing import Any, Final, NamedTuple

import numpy as np
import orjson
from numpy.typing import NDArray

DECIDERS: Final = ("stream", "api")

# As our writers put it, without spaces. Inside a text the quotes would be escaped, so nothing else looks like it.
_ID: Final = re.compile(rb'"transaction_id":"([^"\\]+)"')


class Served(NamedTuple):
    """The vector f8[k] that a transaction was decided by; k is the catalogue's, where that is ours."""

    transaction_id: str
    decided_by: str
    catalogue_version: str
    vector: NDArray[np.float64]


def id_of(value: bytes) -> str | None:
    """Whose vector it is, found without reading the vector; None where the record does not say."""
    found = _ID.search(value)
    if found is not None:
        return found[1].decode(errors="replace")
    try:
        name = orjson.loads(value)["transaction_id"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return None
    return name if isinstance(name, str) else None


def read_served(value: bytes) -> Served | None:
    """The whole record; None where it breaks its contract. A null in the vector is read as NaN."""
    try:
        data: dict[str, Any] = orjson.loads(value)
        name, decided_by, version = data["transaction_id"], data["decided_by"], data["catalogue_version"]
        vector = np.array(data["vector"], np.float64)
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
        return None
    is_sound = isinstance(name, str) and isinstance(version, str) and decided_by in DECIDERS and vector.ndim == 1
    return Served(name, decided_by, version, vector) if is_sound else None
