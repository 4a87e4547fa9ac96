"""What the catalogue says of one feature."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Entity = Literal["transaction", "card", "customer", "merchant", "terminal", "device", "network"]
PiiClass = Literal["none", "behaviour", "location"]


@dataclass(frozen=True, slots=True)
class Feature:
    """One number of the vector, always finite. `late`: what a late or repeated event means to it."""

    name: str
    entity: Entity
    aggregate: str
    unit: str
    description: str
    window: str = "-"
    default: float = 0.0
    pii: PiiClass = "behaviour"
    includes_current: bool = False
    late: str = "log order: sees what precedes it in the log and is not newer; never revised; a repeat changes nothing"
    owner: str = "fraud-prevention"
    dtype: str = "float64"


def places_of(features: Sequence[Feature]) -> tuple[int, ...]:
    """Places in the family's part of the vector, for the compiler to see as constants."""
    return tuple(range(len(features)))
