"""The main job on this machine, from nothing: a world, a model, the stack, a live stream, and figures at the end."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import psycopg2

from ci_cd_testing_deployment.local.errors import StackError
from ci_cd_testing_deployment.local.log_counts import LogCounts
from ci_cd_testing_deployment.local.process import ProcessRecord, is_alive
from ci_cd_testing_deployment.local.rebuild import rebuild_from_history
from ci_cd_testing_deployment.local.stack import LocalStack
from config import ROOT, RedisSettings
from data_pipeline.history.generate import write_history
from data_pipeline.synthetic.world import WorldSpec
from fraud_prevention.domain.errors import ArtefactRefused
from fraud_prevention.domain.topics import ALERTS, DEAD_LETTERS, DECISIONS, TRANSACTIONS
from model.inference.scorer import load_scorer
from model.training.console import train_shown
from model.training.train import TrainingRequest
from model.training.windows import SplitPlan
from storage_security.redis.client import connect
from storage_security.redis.state_store import RedisStateStore

PRODUCER: Final = "producer"
DATA_SERVERS: Final = ("kafka", "redis", "postgres")
_POLL_S: Final = 0.5
_SHOW_EVERY_S: Final = 5.0
_CATCH_UP_S: Final = 90.0  # a few batches and a sink round, on a busy machine
_DAY_S: Final = 86_400
# The live stream plays these days faster than they pass: at the default rate they last for about three quarters of an
# hour, before the world's time is the clock's and its customers seem to be in a hurry.
_ROOM_DAYS: Final = 3

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class DemoPlan:
    """What to run. `seconds` None runs until Ctrl-C; the rate is in transactions a second."""

    world: Path
    seconds: float | None
    rate: float
    fraud_rate: float
    customers: int
    days: int
    seed: int


@dataclass(frozen=True, slots=True)
class DemoSummary:
    """What happened while the demo ran."""

    transactions: int
    decisions: int
    alerts: int
    cases: int
    dead_letters: int
    dashboard: str


@dataclass(frozen=True, slots=True)
class _Counts:
    transactions: int
    decisions: int
    alert_records: int
    dead_letters: int
    alerts: int
    cases: int

    @property
    def is_settled(self) -> bool:
        """Everything that came in was answered, and every alert is in the store."""
        return self.decisions + self.dead_letters >= self.transactions and self.alerts >= self.alert_records

    def since(self, before: _Counts) -> _Counts:
        then = asdict(before)
        return _Counts(**{name: value - then[name] for name, value in asdict(self).items()})


def ensure_world(plan: DemoPlan, say: Say) -> None:
    """Make the world's history unless the folder holds one."""
    if (plan.world / "world.json").exists():
        return
    end_day = int(time.time()) // _DAY_S - _ROOM_DAYS
    say(f"making {plan.days} days of {plan.customers:,} customers")
    write_history(WorldSpec(plan.seed, plan.customers, end_day - plan.days), plan.days, plan.world)


def ensure_model(history: Path, directory: Path, say: Say) -> None:
    """Train a model unless one serves that fits the feature catalogue."""
    try:
        load_scorer(directory)
    except ArtefactRefused as reason:
        say(f"training, because {reason}")
        train_shown(TrainingRequest(history, directory, "hgb", SplitPlan()), is_activated=True)


def ensure_state(history: Path, redis: RedisSettings, say: Say) -> None:
    """Give the customers their past, unless the store knows some."""
    if RedisStateStore(connect(redis)).is_empty():
        found = rebuild_from_history(history, redis, None, lambda _done, _rows: None)
        say(f"feature state of {found.customers:,} customers from {found.events:,} past events")


def run_demo(plan: DemoPlan, stack: LocalStack, say: Say) -> DemoSummary:
    """Run the main job; what the stack started is stopped again at the end. Ctrl-C ends a run without a time."""
    started = time.monotonic()
    ensure_world(plan, say)
    ensure_model(plan.world, stack.place.models, say)
    with stack:
        stack.up(DATA_SERVERS)
        os.environ.update(stack.settings())
        ensure_state(plan.world, RedisSettings(), say)
        stack.up()
        dashboard = f"http://127.0.0.1:{stack.ports()['dashboard-web']}"
        with LogCounts(stack.settings()["FRAUD_KAFKA_BOOTSTRAP_SERVERS"]) as log:
            return _stream(plan, stack, log, say, dashboard, started)


def _stream(plan: DemoPlan, stack: LocalStack, log: LogCounts, say: Say, dashboard: str, started: float) -> DemoSummary:
    dsn = stack.settings()["FRAUD_POSTGRES_DSN"]
    before = _count(log, dsn)
    producer = stack.start_beside(PRODUCER, _producer_command(plan))
    say(f"dashboard: {dashboard}")
    try:
        _watch(plan, lambda: _count(log, dsn).since(before), producer, say, started)
    except KeyboardInterrupt:
        say("stopping")
    stack.down([PRODUCER])
    done = _settled(lambda: _count(log, dsn).since(before))
    return DemoSummary(done.transactions, done.decisions, done.alerts, done.cases, done.dead_letters, dashboard)


def _producer_command(plan: DemoPlan) -> list[str]:
    command = [sys.executable, str(ROOT / "data-pipeline" / "kafka_producer.py"), "--world", str(plan.world)]
    return [*command, "--rate", str(plan.rate), "--fraud-rate", str(plan.fraud_rate)]


def _watch(plan: DemoPlan, count: Callable[[], _Counts], producer: ProcessRecord, say: Say, started: float) -> None:
    begun = time.monotonic()
    shown, has_decided = begun, False
    while plan.seconds is None or time.monotonic() - begun < plan.seconds:
        if not is_alive(producer):
            raise StackError("the producer has ended by itself; see producer.log beside the other logs")
        found = count()
        now = time.monotonic()
        if not has_decided and found.decisions:
            has_decided = True
            say(f"first decision {now - started:.0f} s after the start")
        if now - shown >= _SHOW_EVERY_S:
            shown = now
            say(
                f"{found.transactions:,} transactions, {found.decisions:,} decisions, "
                f"{found.alerts:,} alerts, {found.cases:,} cases"
            )
        time.sleep(_POLL_S)


def _settled(count: Callable[[], _Counts]) -> _Counts:
    """The counts once everything is answered and stored. Raises StackError when that takes too long."""
    deadline = time.monotonic() + _CATCH_UP_S
    found = count()
    while not found.is_settled:
        if time.monotonic() > deadline:
            raise StackError(
                f"{_CATCH_UP_S:.0f} s after the last transaction, {found.decisions} of {found.transactions} are decided "
                f"({found.dead_letters} dead letters) and {found.alerts} of {found.alert_records} alerts are stored; "
                "see the logs of stream and sink"
            )
        time.sleep(_POLL_S)
        found = count()
    return found


def _count(log: LogCounts, dsn: str) -> _Counts:
    with closing(psycopg2.connect(dsn)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT (SELECT count(*) FROM fraud_alerts), (SELECT count(*) FROM cases)")
        alerts, cases = cursor.fetchone() or (0, 0)
    return _Counts(
        transactions=log.count(TRANSACTIONS),
        decisions=log.count(DECISIONS),
        alert_records=log.count(ALERTS),
        dead_letters=sum(log.count(topic) for topic in DEAD_LETTERS),
        alerts=alerts,
        cases=cases,
    )
