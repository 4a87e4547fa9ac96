"""The steps of an experiment, and the order in which they are allowed."""

from __future__ import annotations

import pytest

from ci_cd_testing_deployment.ab_testing.cluster import MemoryCluster
from ci_cd_testing_deployment.ab_testing.errors import RouteChanged, RouteConflict, RouteMissing, WrongStep
from ci_cd_testing_deployment.ab_testing.history import Stage
from ci_cd_testing_deployment.ab_testing.rollout import Rollout
from ci_cd_testing_deployment.ab_testing.route import Manifest, Versions, new_route

A_IMAGE, B_IMAGE = "fraudstream/decision-api:1", "fraudstream/decision-api:2"
IMAGES = {"decision-api": A_IMAGE, "decision-api-b": B_IMAGE}


@pytest.fixture
def cluster() -> MemoryCluster:
    route = new_route("decision-api", "fraudstream", "/", Versions(), 0)
    return MemoryCluster(route, IMAGES)


@pytest.fixture
def rollout(cluster: MemoryCluster) -> Rollout:
    return Rollout(cluster, Versions(), lambda: 1_000.0)


def test_an_experiment_from_start_to_stop(rollout: Rollout, cluster: MemoryCluster) -> None:
    rollout.start(1)
    rollout.ramp(10)
    rollout.promote()
    assert rollout.stages() == (Stage(1_000, 1), Stage(1_000, 10), Stage(1_000, 100))
    cluster.images["decision-api"] = B_IMAGE
    rollout.stop()
    assert rollout.stages() == ()
    assert cluster.route()["spec"]["rules"] == Versions().plain_rules("/")


def test_a_rollback_keeps_the_testers_override(rollout: Rollout, cluster: MemoryCluster) -> None:
    rollout.start(10)
    rollout.rollback()
    assert cluster.route()["spec"]["rules"] == Versions().rules(0, "/")


def test_a_second_experiment_is_refused(rollout: Rollout) -> None:
    rollout.start(10)
    with pytest.raises(WrongStep, match="runs at weight 10"):
        rollout.start(1)


@pytest.mark.parametrize("step", ["promote", "rollback", "stop"])
def test_steps_need_an_experiment(rollout: Rollout, step: str) -> None:
    with pytest.raises(WrongStep, match="`start` one"):
        getattr(rollout, step)()


def test_a_ramp_never_moves_customers_back(rollout: Rollout) -> None:
    rollout.start(10)
    with pytest.raises(WrongStep, match="`rollback` gives all"):
        rollout.ramp(9)
    assert rollout.stages()[-1].weight == 10


def test_a_missing_version_b_is_told_before_traffic_goes_there(cluster: MemoryCluster) -> None:
    with pytest.raises(RouteMissing, match="Service decision-api-c"):
        Rollout(cluster, Versions(b="decision-api-c"), lambda: 0.0).start(1)


def test_no_stop_while_customers_are_split(rollout: Rollout) -> None:
    rollout.start(10)
    with pytest.raises(WrongStep, match="10 %"):
        rollout.stop()


def test_no_stop_that_would_bring_the_old_version_back(rollout: Rollout) -> None:
    rollout.start(10)
    rollout.promote()
    with pytest.raises(WrongStep, match=f"still runs {A_IMAGE}: set it to {B_IMAGE}"):
        rollout.stop()


def test_rules_of_somebody_else_are_overwritten_by_force_only(rollout: Rollout, cluster: MemoryCluster) -> None:
    rollout.start(10)
    route = cluster.route()
    route["spec"]["rules"] = Versions().rules(90, "/")
    cluster.write(route)
    with pytest.raises(RouteConflict):
        rollout.rollback()
    rollout.rollback(is_forced=True)
    assert cluster.route()["spec"]["rules"] == Versions().rules(0, "/")


class BusyCluster(MemoryCluster):
    """A gateway writes the route's status whenever somebody has read it, `writes` times."""

    writes = 0

    def route(self) -> Manifest:
        read = super().route()
        if self.writes:
            left, self.writes = self.writes - 1, 0  # writing reads as well
            self.write(read)
            self.writes = left
        return read


def test_a_gateway_that_writes_its_status_meanwhile_does_not_stop_a_step() -> None:
    busy = BusyCluster(new_route("decision-api", "fraudstream", "/", Versions(), 0), IMAGES)
    busy.writes = 4
    assert Rollout(busy, Versions(), lambda: 0.0).start(10) == 10


def test_a_route_that_never_rests_is_told() -> None:
    busy = BusyCluster(new_route("decision-api", "fraudstream", "/", Versions(), 0), IMAGES)
    busy.writes = 1_000
    with pytest.raises(RouteChanged, match="run the command again"):
        Rollout(busy, Versions(), lambda: 0.0).start(10)


def test_a_dry_run_changes_nothing(cluster: MemoryCluster) -> None:
    before = cluster.route()
    assert Rollout(cluster, Versions(), lambda: 0.0, is_dry_run=True).start(10) == 10
    assert cluster.route() == before
