"""What a scan of many bodies found, column by column."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_pipeline.stream.texts import Places
from fraud_prevention.policy.machine_words import Bytes


@dataclass(frozen=True, slots=True)
class Scan:
    """n bodies and what was found in them; where is_good is false, a row says nothing.

    text:         all bodies, `data` the same as an array, SLACK bytes longer.
    bodies:       i8[n, 2], where each begins and ends.
    starts, ends: i8[n, fields] of the texts, see scan.PLACE; both 0 where a body has none.
    integers:     i8[n, integers], see scan.INTEGERS.
    events:       ENTRY[n]; customers u8[n] and entities u8[n, kinds]: codes.
    """

    text: bytes
    data: Bytes
    is_good: NDArray[np.bool_]
    bodies: Places
    starts: Places
    ends: Places
    integers: Places
    events: NDArray[np.void]
    customers: NDArray[np.uint64]
    entities: NDArray[np.uint64]

    def rows(self, chosen: NDArray[np.integer[Any]]) -> Scan:
        """Some of the rows."""
        return Scan(
            self.text,
            self.data,
            self.is_good[chosen],
            self.bodies[chosen],
            self.starts[chosen],
            self.ends[chosen],
            self.integers[chosen],
            self.events[chosen],
            self.customers[chosen],
            self.entities[chosen],
        )

    def replaced(self, chosen: NDArray[np.integer[Any]], other: Scan) -> Scan:
        """The scan with some of its rows, which are written over, taken from another one."""
        moved = len(self.text)
        self.starts[chosen] = np.where(other.ends > 0, other.starts + moved, 0)
        self.ends[chosen] = np.where(other.ends > 0, other.ends + moved, 0)
        self.bodies[chosen] = other.bodies + moved
        for ours, theirs in (
            (self.is_good, other.is_good),
            (self.integers, other.integers),
            (self.events, other.events),
            (self.customers, other.customers),
            (self.entities, other.entities),
        ):
            ours[chosen] = theirs
        text = self.text + other.text
        return replace(self, text=text, data=np.frombuffer(text, np.uint8))
