"""The loop of plans on stores in memory: bind before work, repeat after a start, stop when another one works."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest

from data_pipeline.stream.plan import INPUTS, Offsets, Plan
from data_pipeline.stream.runner import TARGET_S, BatchSize, Runner
from data_pipeline.stream.summary import Summary
from fraud_prevention.domain.errors import PlanLost, StateLost
from fraud_prevention.domain.topics import TRANSACTIONS

LOG = 42


class Plans:
    """The plan store as it is meant: a cell with compare-and-set."""

    def __init__(self) -> None:
        self.held: tuple[int, str] = (0, "")
        self.text: bytes | None = None
        self.bound: list[Plan] = []

    def current(self) -> bytes | None:
        return self.text

    def bind(self, held: tuple[int, str], number: int, owner: str, text: bytes) -> None:
        if held != self.held:
            raise PlanLost(number, *self.held)
        self.held, self.text = (number, owner), text
        self.bound.append(Plan.from_json(text))


class Positions:
    """A log that the test lets grow."""

    def __init__(self, waiting: int = 0, partitions: int = 2) -> None:
        self.first: Offsets = {t: [3] * partitions for t in INPUTS}
        self.last: Offsets = {t: [3] * partitions for t in INPUTS}
        self.commits: list[Offsets] = []
        self.grow(waiting)

    def grow(self, count: int) -> None:
        self.last[TRANSACTIONS] = [end + count for end in self.last[TRANSACTIONS]]

    def ends(self) -> Offsets:
        return {topic: list(ends) for topic, ends in self.last.items()}

    def starts(self) -> Offsets:
        return {topic: list(starts) for topic, starts in self.first.items()}

    def committed(self) -> Offsets | None:
        return self.commits[-1] if self.commits else None

    def commit(self, ends: Offsets) -> None:
        self.commits.append(ends)


class Crash(Exception):
    """The process ends here."""


class Worker:
    """Notes the plans it is given."""

    def __init__(self, plans: Plans) -> None:
        self.plans, self.done = plans, list[Plan]()
        self.fails = False

    def __call__(self, plan: Plan) -> Summary:
        assert self.plans.bound[-1] == plan, "worked before it was bound"
        if self.fails:
            raise Crash
        self.done.append(plan)
        return Summary(records=plan.records)


class World:
    """What outlives a runner."""

    def __init__(self, waiting: int = 10, limit: int = 1_000) -> None:
        self.plans, self.positions, self.limit = Plans(), Positions(waiting), limit
        self.worker = Worker(self.plans)
        self.bundle = "first"

    def runner(self, log: int = LOG, work: Callable[[Plan], Summary] | None = None) -> Runner:
        return Runner(self.plans, self.positions, work or self.worker, log, lambda: self.bundle, self.limit)


@pytest.fixture
def world() -> World:
    return World()


def test_a_first_stream_begins_where_the_log_does(world: World) -> None:
    runner = world.runner()
    runner.start()
    assert world.worker.done == []
    assert runner.step() == 20
    (plan,) = world.worker.done
    assert (plan.number, plan.starts, plan.ends) == (1, world.positions.starts(), world.positions.ends())
    assert world.positions.commits == [world.positions.ends()]


def test_nothing_new_binds_nothing(world: World) -> None:
    runner = world.runner()
    runner.start()
    runner.step()
    bound = len(world.plans.bound)
    assert runner.step() == 0
    assert len(world.plans.bound) == bound
    world.positions.grow(1)
    assert runner.step() == 2


def test_plans_follow_each_other_without_a_gap(world: World) -> None:
    world.limit = 1_000
    world.positions.grow(4_000)
    runner = world.runner()
    runner.start()
    while runner.step():
        pass
    done = world.worker.done
    assert len(done) > 3
    assert [p.number for p in done] == list(range(1, len(done) + 1))
    assert done[0].starts == world.positions.starts()
    assert all(after.starts == before.ends for before, after in pairwise(done))
    assert done[-1].ends == world.positions.ends()


@pytest.mark.parametrize("fails", [True, False])
def test_whoever_starts_repeats_the_last_plan_as_it_was_bound(world: World, fails: bool) -> None:
    first = world.runner()
    first.start()
    first.step()
    world.positions.grow(5)
    world.worker.fails = fails
    if fails:
        with pytest.raises(Crash):
            first.step()
    else:
        first.step()
    bound = world.plans.bound[-1]
    world.worker.fails, world.bundle = False, "newer"
    world.positions.grow(7)
    second = world.runner()
    second.start()
    repeated = world.worker.done[-1]
    assert repeated == bound.owned_by(repeated.owner)
    assert repeated.owner != bound.owner
    assert repeated.bundle == "first"
    assert second.step() == 14
    assert world.worker.done[-1].starts == bound.ends
    assert world.worker.done[-1].bundle == "newer"


def test_a_crash_while_repeating_is_repeated_again(world: World) -> None:
    world.worker.fails = True
    first = world.runner()
    first.start()
    with pytest.raises(Crash):
        first.step()
    for _ in range(3):
        with pytest.raises(Crash):
            world.runner().start()
    world.worker.fails = False
    world.runner().start()
    (plan,) = world.worker.done
    assert (plan.number, plan.records) == (1, 20)
    assert world.positions.commits == [plan.ends]


def test_a_plan_of_nothing_is_not_worked_again(world: World) -> None:
    world.runner().start()
    world.runner().start()
    assert world.worker.done == []


def test_positions_are_committed_only_after_the_work(world: World) -> None:
    world.worker.fails = True
    runner = world.runner()
    runner.start()
    with pytest.raises(Crash):
        runner.step()
    assert world.positions.commits == []


@pytest.mark.parametrize("has_moved_on", [True, False])
def test_a_runner_whose_stream_was_taken_over_stops_before_it_works(world: World, has_moved_on: bool) -> None:
    old, new = world.runner(), world.runner()
    old.start()
    old.step()
    new.start()
    world.positions.grow(1)
    if has_moved_on:
        new.step()
        world.positions.grow(1)
    done = list(world.worker.done)
    with pytest.raises(PlanLost, match="another runner works"):
        old.step()
    assert world.worker.done == done
    assert new.step() > 0


class Raced(Plans):
    """Another runner starts between this one's look and its bind."""

    def current(self) -> bytes | None:
        text = super().current()
        self.held = (0, "other")
        return text


def test_of_two_that_start_at_once_one_stops(world: World) -> None:
    world.plans = Raced()
    with pytest.raises(PlanLost, match="0 of other"):
        world.runner().start()
    assert world.plans.bound == []


def test_a_state_without_a_plan_is_lost_where_the_stream_has_run(world: World) -> None:
    runner = world.runner()
    runner.start()
    runner.step()
    world.plans = Plans()
    with pytest.raises(StateLost, match="fraud state rebuild"):
        world.runner().start()
    assert world.plans.bound == []


def test_a_state_of_another_log_is_refused(world: World) -> None:
    world.runner().start()
    held, bound = world.plans.held, len(world.plans.bound)
    with pytest.raises(StateLost, match="fraud state rebuild"):
        world.runner(log=LOG + 1).start()
    assert (world.plans.held, len(world.plans.bound)) == (held, bound)


def test_a_wiped_store_stops_a_runner_that_works(world: World) -> None:
    runner = world.runner()
    runner.start()
    runner.step()
    world.plans.held, world.plans.text = (0, ""), None
    world.positions.grow(1)
    with pytest.raises(PlanLost):
        runner.step()


def test_another_runner_that_began_in_between_is_no_lost_state(world: World) -> None:
    first = world.runner()
    first.start()
    first.step()
    text, asked = world.plans.text, []

    def current() -> bytes | None:
        asked.append(1)
        return None if len(asked) == 1 else text

    world.plans.current = current  # type: ignore[method-assign]  # as a store that the other reaches between two looks
    with pytest.raises(PlanLost):
        world.runner().start()


def test_full_batches_that_are_slow_shrink_and_quick_ones_grow_within_bounds() -> None:
    size = BatchSize(60_000, 60_000)
    size.observe(60_000, 2 * TARGET_S)
    assert size.current == 30_000
    size.observe(30_000, TARGET_S / 100)
    assert size.current == 45_000  # not at once
    for _ in range(10):
        size.observe(size.current, 0.0)
    assert size.current == 60_000
    for _ in range(10):
        size.observe(size.current, 1_000.0)
    assert size.current == 1_000


def test_a_small_batch_says_nothing_about_size() -> None:
    size = BatchSize(60_000, 10_000)
    size.observe(7_999, 100.0)
    size.observe(10, 0.001)
    assert size.current == 10_000


def test_a_cap_below_the_smallest_size_holds() -> None:
    size = BatchSize(500, 500)
    size.observe(500, TARGET_S)
    assert size.current <= 500
