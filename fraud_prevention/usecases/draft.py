"""A decision that no broker has acknowledged yet: the records that make it durable, the same bytes each time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from fraud_prevention.domain import topics
from fraud_prevention.policy.assemble import Emission


@dataclass(frozen=True, slots=True)
class Draft:
    """`decided` (decision, features, alert) goes out first, `accepted` (the transaction) once that is acknowledged."""

    decided: tuple[Emission, ...]
    accepted: Emission

    def decision(self) -> Mapping[str, Any]:
        """The payload of decisions.v1."""
        found: Mapping[str, Any] = orjson.loads(next(e.value for e in self.decided if e.topic == topics.DECISIONS))
        return found

    def to_bytes(self) -> bytes:
        """All records, for a store; their values are JSON, so text loses nothing."""
        records = (*self.decided, self.accepted)
        return orjson.dumps([(topic, key.decode(), value.decode()) for topic, key, value in records])

    @classmethod
    def from_bytes(cls, stored: bytes) -> Draft:
        """The inverse of `to_bytes`."""
        records = [Emission(topic, key.encode(), value.encode()) for topic, key, value in orjson.loads(stored)]
        return cls(tuple(records[:-1]), records[-1])
