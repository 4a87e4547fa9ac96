"""A stream that ends after any call to the outside leaves, in the end, what an undisturbed one does, byte for byte."""

from __future__ import annotations

import random
import threading
from collections.abc import Sequence
from functools import partial
from typing import cast

import pytest

from config import RedisSettings
from data_pipeline.stream.work import work
from fraud_prevention.domain.errors import (
    PlanLost,
    StateFenced,
    StateLost,
    Unavailable,
)
from fraud_prevention.domain.topics import ALERTS, DECISIONS, FEATURES, TRANSACTIONS
from storage_security.redis.client import connect
from storage_security.redis.entity_store import RedisEntityStore
from storage_security.redis.exchange import RedisExchange
from tests.fixtures.stream_outcomes import Left, assert_equal, finished
from tests.fixtures.stream_runs import EVENTS, Bundles, Crash, Fuse, MemoryLog, Run, feed

pytestmark = pytest.mark.usefixtures("small_calls")
on_both = pytest.mark.parametrize("store", ["server", "cluster"], indirect=True)


def test_an_undisturbed_run_decides_everything(calm: Run) -> None:
    found = calm.contents()
    assert len(found[DECISIONS]) == len(found[FEATURES]) == EVENTS
    assert len(calm.outputs[DECISIONS]) == EVENTS
    assert len(found[TRANSACTIONS + ".dlq"]) > 50
    assert found[ALERTS].keys() < found[DECISIONS].keys()
    assert len(calm.plans) > 4


def test_a_cluster_holds_what_one_server_does(
    calm: Run, bundles: Bundles, log: MemoryLog, redis_cluster: RedisSettings
) -> None:
    assert_equal(finished(Run(bundles, log, redis_cluster)), Left(calm))


def test_a_second_run_is_equal(calm: Run, bundles: Bundles, log: MemoryLog) -> None:
    left = Left(calm)
    assert_equal(finished(Run(bundles, log, calm.store)), left)


@on_both
def test_it_may_end_after_every_single_call(calm: Run, bundles: Bundles, log: MemoryLog) -> None:
    left = Left(calm)
    run = Run(bundles, log, calm.store)
    lives = 1
    while not run.live(Fuse(lives)):
        lives += 1
    assert lives > 20
    assert_equal(run, left)


@pytest.mark.parametrize("seed", range(6))
def test_it_may_end_at_random_again_and_again(calm: Run, bundles: Bundles, log: MemoryLog, seed: int) -> None:
    left = Left(calm)
    rng = random.Random(seed)
    total = Fuse()
    assert Run(bundles, log, calm.store).live(total)
    run = Run(bundles, log, calm.store)
    crashes = 0
    while not run.live(Fuse(rng.randrange(1, total.calls // 2)) if crashes < 30 else None):
        crashes += 1
    assert_equal(run, left)


@on_both
def test_an_old_plan_worked_again_changes_nothing(calm: Run) -> None:
    state, sent = calm.state(), {topic: len(values) for topic, values in calm.outputs.items()}
    for plan in calm.plans[:-1]:
        with pytest.raises((PlanLost, StateFenced)):
            work(calm.config(calm.ports(Fuse())), plan)
        assert calm.state() == state
        assert {topic: len(values) for topic, values in calm.outputs.items()} == sent
    work(calm.config(calm.ports(Fuse())), calm.plans[-1])  # the last one may be repeated
    assert calm.state() == state
    calm.contents()


def test_a_runner_that_was_overtaken_at_any_call_changes_nothing(bundles: Bundles, store: RedisSettings) -> None:
    short = feed(2_000, seed=6, customers=60)
    left = Left(finished(Run(bundles, short, store)))
    stopped = 0
    for at in range(1, 10_000, 3):
        run = Run(bundles, short, store)
        fuse = Fuse(at, partial(run.live))
        try:
            runner = run.runner(fuse)
            runner.start()
            runner.step()
            runner.step()
        except (PlanLost, StateFenced, StateLost):
            stopped += 1
        finished(run)
        assert_equal(run, left)
        if fuse.calls < at:
            break
    assert stopped > 20


@pytest.mark.parametrize("shares", [2, 3, 4])
def test_tasks_side_by_side_leave_what_one_does(calm: Run, bundles: Bundles, log: MemoryLog, shares: int) -> None:
    left = Left(calm)
    run = Run(bundles, log, calm.store)
    assert run.live(worker=run.by_shares(shares))
    assert_equal(run, left)


@pytest.mark.parametrize("failing", [0, 1])
def test_tasks_that_are_repeated_leave_the_same(
    calm: Run, bundles: Bundles, log: MemoryLog, failing: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("data_pipeline.stream.shared_entities.BARRIER_TIMEOUT_S", 0.3)
    left = Left(calm)
    run = Run(bundles, log, calm.store)
    crashes = 0
    for at in range(3, 120, 4):
        fuses = [Fuse(at) if share == failing else Fuse() for share in range(2)]
        try:
            if run.live(worker=run.by_shares(2, fuses)):
                break
        except Unavailable:  # the task that waits in vain may be the first to say so
            pass
        crashes += 1
    assert run.live(worker=run.by_shares(2))
    assert crashes > 5
    assert_equal(run, left)


@pytest.mark.parametrize(("before", "after"), [(4, 2), (2, 4)])
def test_a_plan_may_be_repeated_by_another_number_of_tasks(
    bundles: Bundles, store: RedisSettings, before: int, after: int
) -> None:
    """As after a restart on a machine with fewer cores. One task of the repeat is slow to begin."""
    short = feed(700, seed=7, customers=60)  # one plan
    left = Left(finished(Run(bundles, short, store)))
    run = Run(bundles, short, store)
    gate = threading.Barrier(before)

    class Ended(RedisEntityStore):
        """All tasks end when each has handed over, before one has written."""

        def read(self, keys: Sequence[bytes]) -> list[bytes | None]:  # noqa: ARG002 — as the store has it
            gate.wait(10)
            raise Crash

    assert not run.live(worker=run.by_shares(before, entities=Ended))
    has_taken_over = threading.Event()

    class Taking(RedisExchange):
        def take_over(self, stage: str, number: int, share: int, shares: int) -> list[bytes]:
            found = super().take_over(stage, number, share, shares)
            has_taken_over.set()
            return found

    first = run.by_shares(after, exchange=Taking, before_share_0=lambda: has_taken_over.wait(1.0))
    assert run.live(worker=first)
    assert_equal(run, left)


@on_both
def test_a_wiped_store_is_lost_and_says_what_to_do(calm: Run) -> None:
    with connect(calm.store) as client:
        client.flushdb()
    with pytest.raises(StateLost, match="fraud state rebuild"):
        calm.runner(Fuse()).start()
    assert calm.state() == {}


def test_a_store_wiped_under_a_runner_stops_it(calm: Run) -> None:
    runner = calm.runner(Fuse())
    runner.start()
    with connect(calm.store) as client:
        client.flushdb()
    calm.log = calm.log.copy()
    calm.log.send(TRANSACTIONS, "c", b"{}")
    with pytest.raises(PlanLost):
        runner.step()


def test_an_old_store_that_was_put_back_is_caught_up(bundles: Bundles, log: MemoryLog, store: RedisSettings) -> None:
    """As after a backup: the plan in it is older than what the stream has said since."""
    run = Run(bundles, log, store)
    runner = run.runner(Fuse())
    runner.start()
    runner.step()
    runner.step()
    with connect(store) as client:
        backup = {key: cast("bytes", client.dump(key)) for key in client.scan_iter(count=10_000)}
    left = Left(finished(run))
    with connect(store) as client:
        client.flushdb()
        for key, value in backup.items():
            client.restore(key, 0, value)
    assert_equal(finished(run), left)
