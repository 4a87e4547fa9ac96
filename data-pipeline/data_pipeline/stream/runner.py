"""The loop of plans: bind the next cut of the log, have it worked, go on. Spark and `lite` differ only in who works.

Where the stream is, the plan in the state store says. A runner that starts takes the last plan over and repeats it,
because nobody knows how far its last attempt came; what it repeats has the same content.
"""

from __future__ import annotations

import signal
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import structlog

from data_pipeline.stream.plan import INPUTS, Plan, bounded
from data_pipeline.stream.ports import PlanBook, Positions
from data_pipeline.stream.summary import Summary
from fraud_prevention.domain.errors import PlanLost, StateLost
from fraud_prevention.heartbeat import Heartbeat

log = structlog.get_logger()

# With more waiting than one batch, a batch should take about this long: the more of it together, the fewer records are
# read and written for each event, but a stop waits for it. What has just come never waits: a batch begins at once.
TARGET_S: Final = 6.0
_SMALLEST: Final = 1_000
_GROWTH: Final = 1.5
_BEAT_S: Final = 1.0


@dataclass(slots=True)
class BatchSize:
    """How many records the next plan may hold: grows while batches are quick, shrinks when they are slow."""

    limit: int
    current: int

    def observe(self, records: int, seconds: float) -> None:
        """Adapt to a batch that was full; a small one says nothing."""
        if records < self.current * 0.8:
            return
        wanted = self.current * TARGET_S / max(seconds, 0.01)
        bounded_size = min(wanted, self.current * _GROWTH)
        self.current = int(min(self.limit, max(_SMALLEST, bounded_size)))


class Runner:
    """Binds plans and has them worked, one after the other."""

    def __init__(
        self,
        plans: PlanBook,
        positions: Positions,
        work: Callable[[Plan], Summary],
        log_id: int,
        bundle: Callable[[], str],
        limit: int,
    ) -> None:
        self._plans, self._positions, self._work = plans, positions, work
        self._log_id, self._bundle = log_id, bundle
        self._owner = uuid.uuid4().hex
        self._size = BatchSize(limit, limit)
        self._plan: Plan | None = None

    def start(self) -> None:
        """Take over from whoever ran before: the last bound plan is worked again.

        Raises StateLost where the log says that this stream was further than its state knows, or a rebuild of it has not ended; PlanLost when another
        runner is taking over at the same moment.
        """
        text = self._plans.current()
        if text is None:
            if self._positions.committed() is not None:
                text = self._plans.current()  # again: another runner may have begun and come this far in between
                if text is None:
                    raise StateLost
                other = Plan.from_json(text)
                raise PlanLost(0, other.number, other.owner)
            starts = self._positions.starts()
            self._plan = Plan(0, self._owner, self._log_id, self._bundle(), starts, starts)
            self._plans.bind((0, ""), 0, self._owner, self._plan.to_json())
            return
        held = Plan.from_json(text)
        if held.log != self._log_id or not held.decides:
            raise StateLost
        self._plan = held.owned_by(self._owner)
        self._plans.bind((held.number, held.owner), held.number, self._owner, self._plan.to_json())
        if held.busy():
            log.info("repeating the last plan", number=held.number, records=held.records)
            self._run(self._plan)

    def step(self) -> int:
        """Bind and work the next plan, if there is anything to do; returns its records."""
        assert self._plan is not None, "start() first"
        ends = bounded(self._plan.ends, self._positions.ends(), self._size.current)
        plan = self._plan.following(ends, self._bundle())
        if not plan.busy():
            return 0
        self._plans.bind((self._plan.number, self._owner), plan.number, self._owner, plan.to_json())
        self._plan = plan
        started_s = time.perf_counter()
        self._run(plan)
        self._size.observe(plan.records, time.perf_counter() - started_s)
        return plan.records

    def _run(self, plan: Plan) -> None:
        summary = self._work(plan)
        self._positions.commit({t: plan.ends[t] for t in INPUTS})
        log.debug(
            "plan done",
            number=plan.number,
            records=plan.records,
            decided=summary.decided,
            dead=summary.dead,
            phases_s={k: round(v, 4) for k, v in summary.phases_s.items()},
        )


def serve(runner: Runner, heartbeat: Heartbeat, idle_s: float) -> None:
    """Do plans until SIGTERM or SIGINT; the plan in hand is finished first. Raises FraudError.

    idle_s: how long to wait before looking again when there was nothing to do.
    """
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    runner.start()
    beaten_s = 0.0
    try:
        while not stop.is_set():
            if time.monotonic() - beaten_s > _BEAT_S:
                heartbeat.beat()
                beaten_s = time.monotonic()
            if not runner.step():
                stop.wait(idle_s)
    finally:
        heartbeat.stop()
    log.info("stream stopped")
