"""Builds the state of a stream again from its log: the same work on the same records, with nothing decided or sent."""

from __future__ import annotations

import uuid
from collections.abc import Callable

from data_pipeline.stream.plan import LEARNS, Plan, bounded
from data_pipeline.stream.ports import PlanBook, Positions
from data_pipeline.stream.summary import Summary
from fraud_prevention.domain.errors import NotFound


def relearn(
    plans: PlanBook,
    positions: Positions,
    work: Callable[[Plan], Summary],
    log_id: int,
    bundle: str,
    limit: int,
    progress: Callable[[int, int], None],
) -> int:
    """Work the log from where it begins to where the stream last said it was; the stream then goes on from there.

    The store must be clear. limit: records of a plan. `progress` is told records done and records in all. A stream that
    starts before the end refuses to. Returns the records. Raises NotFound where no stream has run, PlanLost, Unavailable.
    """
    ends = positions.committed()
    if ends is None:
        raise NotFound("position", "no stream has run on this log, so there is nothing to rebuild")
    owner = uuid.uuid4().hex
    starts = positions.starts()
    plan = Plan(0, owner, log_id, LEARNS, starts, starts)
    plans.bind((0, ""), 0, owner, plan.to_json())
    start = plan.total_start
    total = Plan(0, owner, log_id, LEARNS, starts, ends).records
    while (following := plan.following(bounded(plan.ends, ends, limit), LEARNS)).busy():
        plans.bind((plan.number, owner), following.number, owner, following.to_json())
        work(following)
        plan = following
        progress(plan.total_end - start, total)
    last = plan.following(plan.ends, bundle)
    plans.bind((plan.number, owner), last.number, owner, last.to_json())
    return plan.total_end - start
