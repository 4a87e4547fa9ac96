"""An experiment that runs by itself, on a cluster, a clock and measurements in memory."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from ci_cd_testing_deployment.ab_testing.auto import Auto, Plan
from ci_cd_testing_deployment.ab_testing.cluster import MemoryCluster
from ci_cd_testing_deployment.ab_testing.errors import ClusterRefused, RouteConflict
from ci_cd_testing_deployment.ab_testing.evidence import GUARD_RAILS, Interval
from ci_cd_testing_deployment.ab_testing.rollout import Rollout
from ci_cd_testing_deployment.ab_testing.route import Manifest, Versions, new_route
from ci_cd_testing_deployment.ab_testing.statistics import Pair
from ci_cd_testing_deployment.ab_testing.verdict import Judge
from fraud_prevention.domain.errors import Unavailable

PLAN = Plan(steps=(5, 50, 100), interval_s=60, hold_s=180, warm_up_s=120, give_up_s=6_000)


class ShakyCluster(MemoryCluster):
    """Refuses while `is_away`."""

    is_away = False

    def route(self) -> Manifest:
        if self.is_away:
            raise ClusterRefused("kubectl get", "the server is away")
        return super().route()


@dataclass
class World:
    """Traffic of 1,000 requests an interval, split as the route says; `failing` is version b's share of errors."""

    failing: float = 0.0
    is_measured: bool = True
    now: float = 600.0
    said: list[str] = field(default_factory=list)
    seen: list[Interval] = field(default_factory=list)
    cluster: ShakyCluster = field(
        default_factory=lambda: ShakyCluster(
            new_route("decision-api", "fraudstream", "/", Versions(), 0),
            {"decision-api": "x:1", "decision-api-b": "x:2"},
        )
    )

    @property
    def weight(self) -> int:
        shares: list[int] = [ref["weight"] for ref in self.cluster.route()["spec"]["rules"][-1]["backendRefs"]]
        return shares[1]

    def wait(self, seconds: float) -> None:
        is_away, self.cluster.is_away = self.cluster.is_away, False
        all_b = 10 * self.weight
        self.cluster.is_away = is_away
        pairs = {rail.name: Pair(1_000 - all_b, (1_000 - all_b) // 100, all_b, all_b // 100) for rail in GUARD_RAILS}
        pairs["errors"] = Pair(1_000 - all_b, 1, all_b, round(all_b * self.failing))
        self.seen.append(Interval(int(self.now), int(self.now + seconds), pairs))
        self.now += seconds

    def intervals(self, since_s: int, until_s: int) -> list[Interval]:
        if not self.is_measured:
            raise Unavailable("Prometheus", "refused")
        return [i for i in self.seen if since_s < i.end_s <= until_s]

    def auto(self) -> Auto:
        rollout = Rollout(self.cluster, Versions(), lambda: self.now)
        return Auto(rollout, self, Judge(requests_at_least=100), PLAN, self.wait, self.said.append)


@pytest.fixture
def world() -> World:
    found = World()
    for _ in range(2):
        found.wait(60)  # what version a is like before the experiment
    return found


def test_a_good_version_is_promoted_step_by_step(world: World) -> None:
    assert world.auto().run()
    assert [line for line in world.said if "continue" not in line and "hold" not in line] == [
        "weight 5", "weight 50", "weight 100", "promoted",
    ]  # fmt: skip
    assert world.now == 600 + 120 + 3 * 180


def test_a_bad_version_is_back_within_three_intervals(world: World) -> None:
    world.failing = 0.33
    assert not world.auto().run()
    assert world.weight == 0
    assert world.now <= 600 + 120 + 3 * 60
    assert world.said[-1].startswith("rolled back: errors: 3")


def test_a_version_that_turns_bad_at_a_higher_weight_is_rolled_back(world: World) -> None:
    auto = world.auto()
    auto.rollout.start(5)
    auto.rollout.ramp(50)
    world.wait(60)
    world.failing = 0.05
    assert not auto.run()
    assert world.weight == 0


def test_without_measurements_nothing_is_promoted(world: World) -> None:
    world.is_measured = False
    assert not world.auto().run()
    assert set(world.said[1:-1]) == {"weight 5, hold: Prometheus is unavailable: refused"}
    assert world.said[-1] == "rolled back: no end after 6000 s"
    assert world.weight == 0


def test_a_run_takes_over_from_one_that_ended(world: World) -> None:
    world.auto().rollout.start(5)
    for _ in range(3):
        world.wait(60)
    assert world.auto().run()
    assert world.said[0] == "weight 50"


def test_a_persons_rollback_ends_the_run(world: World) -> None:
    auto = world.auto()
    auto.rollout.start(5)
    auto.rollout.rollback()
    assert not auto.run()
    assert world.said == ["rolled back by somebody else"]


def test_rules_of_somebody_else_end_the_run(world: World) -> None:
    auto = world.auto()
    auto.rollout.start(5)
    route = world.cluster.route()
    route["spec"]["rules"] = Versions().rules(90, "/")
    world.cluster.write(route)
    with pytest.raises(RouteConflict):
        auto.run()


def test_a_cluster_that_is_away_for_a_while_is_asked_again(world: World) -> None:
    auto = world.auto()
    auto.rollout.start(5)
    looks = 0

    def wait(seconds: float) -> None:
        nonlocal looks
        looks += 1
        world.cluster.is_away = looks < 4
        world.wait(seconds)

    assert Auto(auto.rollout, world, auto.judge, PLAN, wait, world.said.append).run()
    assert [line.split(":")[0] for line in world.said[:3]] == ["the same again at the next look"] * 3


@pytest.mark.parametrize("steps", [(), (5,), (0, 100), (50, 10, 100), (10, 10, 100), (50, 120)])
def test_steps_that_do_not_rise_to_100_are_refused(steps: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="rise"):
        Plan(steps=steps)
