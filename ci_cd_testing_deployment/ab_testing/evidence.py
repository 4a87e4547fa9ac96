"""What was measured of both versions, interval by interval, and who can tell it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Protocol

from ci_cd_testing_deployment.ab_testing.statistics import Pair


@dataclass(frozen=True, slots=True)
class GuardRail:
    """A share of bad events that version b must not raise by more than `tolerance` (an absolute share)."""

    name: str
    meaning: str
    tolerance: float


ERRORS: Final = GuardRail("errors", "decision requests answered with 5xx", 0.001)
SLOW: Final = GuardRail("latency", "decision requests answered later than the limit", 0.005)
DECLINES: Final = GuardRail("declines", "decisions that decline", 0.005)
ALERTS: Final = GuardRail("alerts", "decisions that raise an alert: challenge, review or decline", 0.01)
GUARD_RAILS: Final = (ERRORS, SLOW, DECLINES, ALERTS)


@dataclass(frozen=True, slots=True)
class Interval:
    """A pair per guard-rail name, and each version's p99 latency, NaN if unknown. Times are seconds since 1970."""

    start_s: int
    end_s: int
    pairs: dict[str, Pair]
    p99_s: dict[str, float] = field(default_factory=dict)


class Evidence(Protocol):
    """Where measurements come from."""

    def intervals(self, since_s: int, until_s: int) -> list[Interval]:
        """Adjacent intervals that end after `since_s` and not after `until_s`, oldest first, each with all guard-rails.

        Blocks for one call's time-out. Raises Unavailable where the measurements cannot be had.
        """


class MemoryEvidence:
    """Measurements that were written down before."""

    def __init__(self, intervals: list[Interval]) -> None:
        self._intervals = intervals

    def intervals(self, since_s: int, until_s: int) -> list[Interval]:
        return [interval for interval in self._intervals if since_s < interval.end_s <= until_s]
