"""Follows the log: what was added to the inputs is recomputed, what was served is handed to the meter.

Reads exact ranges and belongs to no consumer group, so nobody's position moves.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from typing import Any, Final, Protocol

import numpy as np
import structlog

from data_pipeline.skew.merge import Merge, Place
from data_pipeline.skew.meter import SkewMeter
from data_pipeline.skew.recompute import Recompute
from data_pipeline.stream.intake import take_in
from data_pipeline.stream.plan import INPUTS, Offsets
from data_pipeline.stream.ports import Ranges
from data_pipeline.stream.side_inputs import side_inputs
from fraud_prevention.domain.errors import OffsetLost, Unavailable
from fraud_prevention.domain.topics import AUTHORISATIONS, FEATURES, LABELS, TRANSACTIONS
from fraud_prevention.domain.transaction import TimeBounds
from fraud_prevention.heartbeat import Heartbeat

log = structlog.get_logger()

_AT_ONCE: Final = 2_000  # records of one partition read at once, and kept for the merge: bounds memory


class Extent(Protocol):
    """How far some topics go. All calls raise Unavailable."""

    def starts(self) -> Offsets:
        """The first offset of every partition."""
        ...

    def ends(self) -> Offsets:
        """The offset behind the last record of every partition."""
        ...


class Follower:
    """Where the reading is, and one batch after the other from there."""

    def __init__(
        self,
        reader: Ranges,
        inputs: Extent,
        served: Extent,
        recompute: Recompute,
        meter: SkewMeter,
        bounds: TimeBounds,
        at_once: int = _AT_ONCE,
    ) -> None:
        self._reader, self._inputs, self._served = reader, inputs, served
        self._recompute, self.meter, self._bounds, self._at_once = recompute, meter, bounds, at_once
        self._at = {**_places(inputs.starts()), **_places(served.starts())}
        self._merge = Merge([place for place in self._at if place[0] in INPUTS], at_once)
        self.lag = dict.fromkeys((*INPUTS, FEATURES), 0)
        """Records by topic that are in the log and were not taken in."""

    def catch_up(self, goes_on: Callable[[], bool]) -> None:
        """Take in what is in the log at this moment; `goes_on` is asked before every batch.

        Raises OffsetLost where the log no longer holds what comes next, Unavailable after which it can be repeated.
        """
        # First how far it was served: what a served vector was computed from is in the inputs by then.
        served = _places(self._served.ends())
        ends = {**_places(self._inputs.ends()), **served}
        self._look(ends)
        while goes_on() and (chosen := self._choose(ends)):
            self._batch(chosen, ends)
            self._look(ends)

    def _look(self, ends: dict[Place, int]) -> None:
        lag = dict.fromkeys(self.lag, 0)
        for place, end in ends.items():
            if end < self._at[place]:
                raise OffsetLost(*place, f"it ends at {end}, and was read to {self._at[place]}")
            lag[place[0]] += end - self._at[place]
        self.lag = lag

    def _choose(self, ends: dict[Place, int]) -> list[Place]:
        """The side on which fewer vectors wait for the other goes first, so that what waits stays within bounds."""
        unread = [place for place, at in self._at.items() if at < ends[place]]
        served = [place for place in unread if place[0] == FEATURES]
        inputs = self._merge.wanted([place for place in unread if place[0] != FEATURES])
        if served and inputs and self.meter.is_short_of_served != self.meter.is_short_of_recomputed:
            return served if self.meter.is_short_of_served else inputs
        return served + inputs

    def _batch(self, chosen: list[Place], ends: dict[Place, int]) -> None:
        ranges = {place: (self._at[place], min(ends[place], self._at[place] + self._at_once)) for place in chosen}
        messages = self._reader.read(ranges)
        self._at.update({place: end for place, (_, end) in ranges.items()})
        self._take_transactions({place: rows for place, rows in messages.items() if place[0] == TRANSACTIONS})
        for place in chosen:
            if place[0] in (LABELS, AUTHORISATIONS):
                self._take_side_inputs(place, [m.value() for m in messages[place]])
            elif place[0] == FEATURES:
                self.meter.take_served(m.value() for m in messages[place])
        unread = [place for place, at in self._at.items() if place[0] in INPUTS and at < ends[place]]
        if ready := self._merge.release(unread):
            self.meter.take_recomputed(self._recompute.add(ready))

    def _take_transactions(self, messages: dict[Place, list[Any]]) -> None:
        found = take_in([m for rows in messages.values() for m in rows], self._bounds)
        wire = found.payments(np.arange(len(found))).wire
        times = found.events["event_time"]
        for place in messages:
            mine = np.flatnonzero(found.partitions == place[1])
            self._merge.add(place, times[mine].tolist(), [wire(row) for row in mine.tolist()])

    def _take_side_inputs(self, place: Place, values: list[bytes | None]) -> None:
        topic, partition = place
        labels, answers = (values, []) if topic == LABELS else ([], values)
        found = side_inputs(partition, labels, answers)
        self._recompute.learn(found)
        self._merge.advance(place, [one.observed_at for one in found])


def _places(offsets: Offsets) -> dict[Place, int]:
    return {(topic, p): at for topic, found in offsets.items() for p, at in enumerate(found)}


def follow(follower: Follower, heartbeat: Heartbeat, every_s: float) -> None:
    """Catch up every so many seconds until SIGTERM or SIGINT; a log that does not answer is asked again.

    Raises OffsetLost.
    """
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())

    def goes_on() -> bool:
        heartbeat.beat()
        return not stop.is_set()

    log.info("skew meter started", every_s=every_s)
    try:
        while not stop.is_set():
            try:
                follower.catch_up(goes_on)
            except Unavailable as error:
                log.warning("log does not answer", reason=str(error))
            stop.wait(every_s)
    finally:
        heartbeat.stop()
    log.info("skew meter stopped", **follower.meter.tally.summary())
