"""When the next record may leave, and which time it carries. Waits end at once when the run is stopped."""

from __future__ import annotations

import time
from array import array
from bisect import bisect_left
from collections.abc import Callable
from threading import Event
from typing import Final, Protocol

from data_pipeline.produce.message import Message
from fraud_prevention.domain.topics import TRANSACTIONS

REMEMBERED: Final = 2_000_000  # moments, 16 bytes each: labels come days after their transactions


def wall_ms() -> int:
    """Milliseconds since 1970 UTC."""
    return time.time_ns() // 1_000_000


class Pace(Protocol):
    """Decides about one message at a time, in the order of the source."""

    def wait(self, message: Message, stop: Event) -> None:
        """Block until the message is due or `stop` is set."""

    def stamp(self, at_ms: int) -> int:
        """The time that a record of that moment carries; new moments come in the order of the source.

        Equal moments have equal times, so that a label names the time of its transaction.
        """


class SteadyPace:
    """So many transactions a second, whatever the source's clock says; other records go with them.

    A record never carries a time ahead of the wall clock: where the source's time runs faster and catches
    up, records carry the time at which they leave. The last two million of those moments are remembered.
    """

    def __init__(self, per_s: float, clock_ms: Callable[[], int] = wall_ms) -> None:
        if per_s <= 0:
            raise ValueError("the rate must be above 0")
        self._interval_s = 1.0 / per_s
        self._due_s: float | None = None
        self._clock_ms = clock_ms
        self._moments = array("q")  # of records that were ahead of the clock, rising
        self._times = array("q")  # that they carry

    def wait(self, message: Message, stop: Event) -> None:
        """See Pace.wait."""
        if message.topic != TRANSACTIONS:
            return
        now = time.monotonic()
        self._due_s = now if self._due_s is None else self._due_s + self._interval_s
        if self._due_s > now:
            stop.wait(self._due_s - now)

    def stamp(self, at_ms: int) -> int:
        """See Pace.stamp."""
        if self._moments and at_ms <= self._moments[-1]:
            place = bisect_left(self._moments, at_ms)
            if self._moments[place] == at_ms:
                return self._times[place]
            return min(at_ms, self._clock_ms())
        now_ms = self._clock_ms()
        if at_ms <= now_ms:
            return at_ms
        self._remember(at_ms, now_ms)
        return now_ms

    def _remember(self, at_ms: int, carried_ms: int) -> None:
        if len(self._moments) >= REMEMBERED:
            del self._moments[: REMEMBERED // 2], self._times[: REMEMBERED // 2]
        self._moments.append(at_ms)
        self._times.append(carried_ms)


class ReplayPace:
    """The source's own rhythm, `speed` times as fast; None is as fast as possible.

    `shift_ms` is added to every time, so that history can be replayed as if it were now.
    """

    def __init__(self, speed: float | None, shift_ms: int = 0) -> None:
        if speed is not None and speed <= 0:
            raise ValueError("the speed must be above 0")
        self._speed = speed
        self._shift_ms = shift_ms
        self._origin: tuple[float, int] | None = None

    def wait(self, message: Message, stop: Event) -> None:
        """See Pace.wait."""
        if self._speed is None:
            return
        now = time.monotonic()
        if self._origin is None:
            self._origin = (now, message.at_ms)
        due = self._origin[0] + (message.at_ms - self._origin[1]) / 1000 / self._speed
        if due > now:
            stop.wait(due - now)

    def stamp(self, at_ms: int) -> int:
        """See Pace.stamp."""
        return at_ms + self._shift_ms
