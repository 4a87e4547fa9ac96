"""What one micro-batch consists of: the same cut of every topic for every attempt, bound before anything is done.

The plan lies beside the state that it changes, so state and position cannot part: whoever restarts repeats the
last bound plan, and nothing else knows where the stream is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Final

import orjson

from fraud_prevention.domain.topics import AUTHORISATIONS, LABELS, TRANSACTIONS

INPUTS: Final = (TRANSACTIONS, LABELS, AUTHORISATIONS)
LEARNS: Final = ""  # stands for the bundle where nothing is decided
Offsets = dict[str, list[int]]  # by topic, one for each partition


@dataclass(frozen=True, slots=True)
class Plan:
    """A cut of the input: offsets [starts, ends) of every partition of every topic, and what decides.

    number: counts plans from 1. owner: names the runner that bound it; the number is the fence between attempts.
    log: hash of the id of the transactions topic.
    """

    number: int
    owner: str
    log: int
    bundle: str
    starts: Offsets
    ends: Offsets

    @property
    def decides(self) -> bool:
        """Whether the plan is one of the stream, and not of a rebuild that only learns."""
        return self.bundle != LEARNS

    @property
    def partitions(self) -> int:
        return len(self.starts[TRANSACTIONS])

    @property
    def records(self) -> int:
        """Records of all topics."""
        return self.total_end - self.total_start

    def start(self, partition: int) -> int:
        """Where the partition's batch begins, summed over the topics: grows with every plan that holds something."""
        return sum(self.starts[topic][partition] for topic in INPUTS)

    def end(self, partition: int) -> int:
        """Where it ends, summed likewise: the version of what the batch writes."""
        return sum(self.ends[topic][partition] for topic in INPUTS)

    @property
    def total_start(self) -> int:
        """Where the plan begins, summed over partitions."""
        return sum(map(self.start, range(self.partitions)))

    @property
    def total_end(self) -> int:
        """Where it ends, summed likewise: the version of the shared entities' records that it writes."""
        return sum(map(self.end, range(self.partitions)))

    def busy(self) -> list[int]:
        """Partitions that hold something."""
        return [p for p in range(self.partitions) if self.end(p) > self.start(p)]

    def ranges(self, topic: str, partitions: list[int]) -> dict[int, tuple[int, int]]:
        """First and past-the-last offset of the topic's partitions that hold something."""
        found = {p: (self.starts[topic][p], self.ends[topic][p]) for p in partitions}
        return {p: span for p, span in found.items() if span[1] > span[0]}

    def owned_by(self, owner: str) -> Plan:
        """The same plan in another runner's hands."""
        return replace(self, owner=owner)

    def following(self, ends: Mapping[str, list[int]], bundle: str) -> Plan:
        """The next plan, from this one's ends."""
        return Plan(self.number + 1, self.owner, self.log, bundle, self.ends, dict(ends))

    def to_json(self) -> bytes:
        return orjson.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: bytes) -> Plan:
        return cls(**orjson.loads(text))


def bounded(starts: Offsets, available: Offsets, limit: int) -> Offsets:
    """Ends of a plan of at most about `limit` records: each partition gets its share of what waits.

    starts, available: offsets by topic and partition. At least one record of each partition that has some.
    """
    waiting = sum(max(a - s, 0) for topic in starts for s, a in zip(starts[topic], available[topic], strict=True))
    if waiting <= limit:
        return {topic: [max(s, a) for s, a in zip(starts[topic], available[topic], strict=True)] for topic in starts}
    share = limit / waiting
    return {
        topic: [
            s + min(max(a - s, 0), max(1, int((a - s) * share)))
            for s, a in zip(starts[topic], available[topic], strict=True)
        ]
        for topic in starts
    }
