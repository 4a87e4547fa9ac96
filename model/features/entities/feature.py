"""How features of shared entities are declared."""

from __future__ import annotations

from typing import Final

from model.features.feature import Entity, Feature, PiiClass

LATE: Final = (
    "order-free: an event counts by its event time, whenever it arrived, once for each id; "
    "nothing newer than the last full ten seconds, five seconds back, counts"
)


def shared(
    name: str,
    entity: Entity,
    aggregate: str,
    unit: str,
    description: str,
    window: str,
    default: float = 0.0,
    *,
    includes_current: bool = False,
) -> Feature:
    """A feature of an entity that customers share."""
    pii: PiiClass = "none" if entity in ("merchant", "terminal") else "behaviour"
    return Feature(name, entity, aggregate, unit, description, window, default, pii, includes_current, late=LATE)
