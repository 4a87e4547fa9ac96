"""The feature catalogue: every feature once, in the order of the served vector.

A family declares its features beside the function that computes them; this module puts the families in order. Windows
are (t - w, t] over earlier events, the event itself excluded unless `includes_current`. Values are float64 and never
NaN: where there is nothing to compute from, the default stands.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from hashlib import sha256
from types import ModuleType
from typing import Any, Final

from model.features.entities.engine import FAMILIES as SHARED_FAMILIES
from model.features.families import card, context, customer, geography, novelty, variety
from model.features.feature import Feature

# In the order of the log, from the customer's record; then what customers share, from its entities' records.
ALIGNED_FAMILIES: Final[tuple[ModuleType, ...]] = (card, customer, novelty, variety, geography, context)
FEATURES: Final[tuple[Feature, ...]] = tuple(f for m in (*ALIGNED_FAMILIES, *SHARED_FAMILIES) for f in m.FEATURES)
FEATURE_NAMES: Final[tuple[str, ...]] = tuple(f.name for f in FEATURES)
FEATURE_COUNT: Final = len(FEATURES)
_INDEX: Final = {name: i for i, name in enumerate(FEATURE_NAMES)}


def index_of(name: str) -> int:
    """Place of the feature in the vector. Raises KeyError for an unknown name."""
    return _INDEX[name]


def starts_of(families: tuple[ModuleType, ...]) -> tuple[int, ...]:
    """Where each family's part of the vector begins."""
    return tuple(index_of(family.FEATURES[0].name) for family in families)


# The part of the vector that shared entities fill.
SHARED: Final = slice(starts_of(SHARED_FAMILIES)[0], FEATURE_COUNT)


def as_records() -> list[dict[str, Any]]:
    """The catalogue as plain data, for the docs page and the JSON."""
    return [asdict(f) for f in FEATURES]


# Raised with every change of a value that the descriptions above do not show; a test holds the kernel's answers to it.
KERNEL_REVISION: Final = 3

# Any change of meaning changes the version, so that a model never meets vectors it was not trained on.
_MEANING: Final = [KERNEL_REVISION, *as_records()]
CATALOGUE_VERSION: Final = "fc-" + sha256(json.dumps(_MEANING, sort_keys=True).encode()).hexdigest()[:12]
