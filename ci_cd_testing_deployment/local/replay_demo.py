"""History through the running stack: every row decided live, and the live decisions measured beside offline ones."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import orjson

from ci_cd_testing_deployment.local.demo import DATA_SERVERS
from ci_cd_testing_deployment.local.log_counts import LogCounts
from ci_cd_testing_deployment.local.rebuild import rebuild_from_history
from ci_cd_testing_deployment.local.stack import LocalStack
from config import KafkaSettings, RedisSettings
from data_pipeline.history.bootstrap import read_live_decisions
from data_pipeline.history.live import LiveDecisions
from data_pipeline.produce.message import Message
from data_pipeline.produce.replay import Span, replay_messages
from fraud_prevention.domain.errors import Unavailable
from fraud_prevention.domain.topics import DEAD_LETTERS, DECISIONS, TRANSACTIONS
from model.inference.scorer import load_scorer
from model.training.console import train_shown
from model.training.history import load_history
from model.training.offline_week import DaySpan, evaluate_scores, offline_scores
from model.training.train import TrainingRequest
from model.training.windows import SplitPlan
from storage_security.kafka.confluent_log import ConfluentLog

_STALL_S: Final = 120.0  # without a single new decision for so long, something is broken
_POLL_S: Final = 1.0
_FLUSH_S: Final = 60.0
_LABEL_DELAY_DAYS: Final = 7.0

Say = Callable[[str], None]


class ReplayStalled(RuntimeError):
    """The stream stopped deciding before it had decided every row."""


@dataclass(frozen=True, slots=True)
class ReplayPlan:
    """History folder (as `fraud import` writes it) and the whole days to replay."""

    history: Path
    span: DaySpan


def run_replay(plan: ReplayPlan, stack: LocalStack, say: Say) -> dict[str, Any]:
    """Train on what came before the span, replay the span through a fresh stack, and compare.

    Returns the summary: counts, figures of live and offline scores, and the greatest difference between them.
    """
    os.environ["FRAUD_INGEST_ENFORCE_TIME_BOUNDS"] = "false"  # these events are years old
    request = TrainingRequest(
        plan.history, stack.place.models, "hgb", SplitPlan(_LABEL_DELAY_DAYS, test_days=0, until_ms=plan.span.start_ms)
    )
    say(train_shown(request, is_activated=True))
    stack.reset()
    with stack:
        stack.up(DATA_SERVERS)
        os.environ.update(stack.settings())
        found = rebuild_from_history(plan.history, RedisSettings(), plan.span.start_ms, lambda _done, _rows: None)
        say(f"feature state of {found.customers:,} customers from {found.events:,} past events")
        stack.up()
        say(f"dashboard: http://127.0.0.1:{stack.ports()['dashboard-web']}")
        started = time.monotonic()
        sent = _send(plan)
        bootstrap = stack.settings()["FRAUD_KAFKA_BOOTSTRAP_SERVERS"]
        with LogCounts(bootstrap) as log:
            _await_decisions(log, sent, say)
            dead = sum(log.count(topic) for topic in DEAD_LETTERS)
        seconds = time.monotonic() - started
        live = read_live_decisions(KafkaSettings(), plan.span.start_ms, plan.span.end_ms)
    return {"rows": sent, "seconds": round(seconds, 1), "dead_letters": dead, **_compare(plan, stack, live)}


def _send(plan: ReplayPlan) -> int:
    log = ConfluentLog(KafkaSettings())
    span = Span(plan.span.start_ms, plan.span.end_ms)
    sent = 0
    failed: list[Exception] = []

    def acknowledged(error: Exception | None) -> None:
        if error is not None:
            failed.append(error)

    try:
        for message in replay_messages(plan.history / "history.parquet", span, is_alone=True):
            _publish(log, message, acknowledged)
            sent += 1
        if left := log.flush(_FLUSH_S):
            raise ReplayStalled(f"{left} records were not acknowledged within a minute")
    finally:
        log.close()
    if failed:
        raise failed[0]
    return sent


def _publish(log: ConfluentLog, message: Message, acknowledged: Callable[[Exception | None], None]) -> None:
    key, value = message.payload["customer_id"].encode(), orjson.dumps(message.payload)
    try:
        log.publish(TRANSACTIONS, key, value, on_ack=acknowledged)
    except Unavailable:  # its queue is full: let the broker catch up, then it must have room
        log.flush(_FLUSH_S)
        log.publish(TRANSACTIONS, key, value, on_ack=acknowledged)


def _await_decisions(log: LogCounts, sent: int, say: Say) -> None:
    best, moved = 0, time.monotonic()
    while True:
        answered = log.count(DECISIONS) + sum(log.count(topic) for topic in DEAD_LETTERS)
        if answered > best:
            best, moved = answered, time.monotonic()
            say(f"{best:,} of {sent:,} decided")
        if best >= sent:
            return
        if time.monotonic() - moved > _STALL_S:
            raise ReplayStalled(
                f"{best} of {sent} rows decided, none in the last {_STALL_S:.0f} s; see `fraud stack logs`"
            )
        time.sleep(_POLL_S)


def _compare(plan: ReplayPlan, stack: LocalStack, live: LiveDecisions) -> dict[str, Any]:
    history = load_history(plan.history)
    ids, offline = offline_scores(history, load_scorer(stack.place.models), plan.span)
    served = {decision["transaction_id"]: decision["probability"] for decision in live.decisions}
    decided = [i for i in ids if i in served]
    scores = np.array([served[i] for i in decided])
    offline_of = dict(zip(ids, offline.tolist(), strict=True))
    difference = np.abs(scores - np.array([offline_of[i] for i in decided]))
    figures = {
        name: evaluate_scores(which, values, history, plan.span).evaluation.as_figures()
        for name, which, values in (("live", decided, scores), ("offline", ids, offline))
    }
    return {
        "decided": len(decided),
        **{
            f"{name}_{figure}": figures[name][figure]
            for name in figures
            for figure in ("average_precision", "card_precision_at_100", "auc")
        },
        "max_abs_diff": float(difference.max(initial=0.0)),
        "equal": figures["live"] == figures["offline"],
    }
