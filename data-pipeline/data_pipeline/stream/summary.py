"""What a task says of its work."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass(slots=True)
class Summary:
    """What a task did: counts, and seconds of each phase."""

    records: int = 0
    decided: int = 0
    dead: int = 0
    phases_s: dict[str, float] = field(default_factory=dict)

    def add(self, other: Summary) -> None:
        """Take another share's figures in."""
        self.records += other.records
        self.decided += other.decided
        self.dead += other.dead
        for name, seconds in other.phases_s.items():
            self.phases_s[name] = self.phases_s.get(name, 0.0) + seconds

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        started_s = time.perf_counter()
        yield
        self.phases_s[name] = self.phases_s.get(name, 0.0) + time.perf_counter() - started_s
