"""What measurements advise: go on, wait or roll back, and why."""

from __future__ import annotations

import math

import pytest

from ci_cd_testing_deployment.ab_testing.evidence import GUARD_RAILS, Interval
from ci_cd_testing_deployment.ab_testing.history import Stage
from ci_cd_testing_deployment.ab_testing.report import verdict_lines
from ci_cd_testing_deployment.ab_testing.statistics import Pair
from ci_cd_testing_deployment.ab_testing.verdict import Advice, Judge

STAGES = (Stage(0, 10),)


def measured(looks: int = 10, requests_b: int = 100, **bad_b: int) -> list[Interval]:
    """One interval of version a alone, then both: of version a's 900 requests, 9 are bad in each way."""
    before = Interval(-60, 0, {rail.name: Pair(1_000, 10, 0, 0) for rail in GUARD_RAILS})
    pairs = {rail.name: Pair(900, 9, requests_b, bad_b.get(rail.name, 1)) for rail in GUARD_RAILS}
    return [before, *(Interval(60 * n, 60 * n + 60, pairs) for n in range(looks))]


def test_equal_versions_go_on() -> None:
    assert Judge().verdict(STAGES, measured()).advice is Advice.CONTINUE


@pytest.mark.parametrize("rail", GUARD_RAILS, ids=lambda rail: rail.name)
def test_each_guard_rail_rolls_back_and_is_named(rail: object) -> None:
    name = getattr(rail, "name")  # noqa: B009 - `rail` is an object to pytest's ids
    verdict = Judge().verdict(STAGES, measured(**{name: 10}))
    assert verdict.advice is Advice.ROLLBACK
    assert len(verdict.reasons) == 1
    assert verdict.reasons[0].startswith(f"{name}: 10.00% of version b's against 1.00% of version a's")


def test_a_version_that_fails_every_third_time_goes_at_the_first_look() -> None:
    assert Judge().verdict(STAGES, measured(looks=1, errors=33)).advice is Advice.ROLLBACK


def test_a_difference_below_the_tolerance_is_let_be() -> None:
    """Certain, but too small to matter: 0.3 points more declines, in a great many decisions."""
    pairs = {rail.name: Pair(9_000_000, 90_000, 1_000_000, 10_000) for rail in GUARD_RAILS}
    pairs["declines"] = Pair(9_000_000, 90_000, 1_000_000, 13_000)
    intervals = [Interval(60 * n, 60 * n + 60, pairs) for n in range(3)]
    verdict = Judge().verdict(STAGES, intervals)
    assert verdict.advice is Advice.CONTINUE
    assert next(f for f in verdict.findings if f.rail.name == "declines").wealth_log > 100


def test_few_requests_are_no_reason_to_go_on() -> None:
    verdict = Judge().verdict(STAGES, measured(looks=1))
    assert verdict.advice is Advice.HOLD
    assert verdict.reasons == ("version b has served 100 requests at 10 %, 200 are wanted",)


def test_requests_of_earlier_steps_do_not_count() -> None:
    stages = (Stage(0, 10), Stage(570, 25))
    assert Judge().verdict(stages, measured()).advice is Advice.HOLD


def test_a_wrong_ratio_holds() -> None:
    verdict = Judge().verdict(STAGES, measured(looks=100, requests_b=300, errors=3, latency=3, declines=3, alerts=3))
    assert verdict.advice is Advice.HOLD
    assert "had 30000 requests and was owed 12000" in verdict.reasons[0]
    assert "bucket header" in verdict.reasons[0]


def test_a_ratio_is_judged_by_the_weight_of_its_time() -> None:
    halves = {rail.name: Pair(500, 5, 500, 5) for rail in GUARD_RAILS}
    later = [Interval(600 + 60 * n, 660 + 60 * n, halves) for n in range(100)]
    assert Judge().verdict((Stage(0, 10), Stage(600, 50)), measured() + later).advice is Advice.CONTINUE


def test_no_measurements_hold() -> None:
    assert Judge().verdict(STAGES, []).advice is Advice.HOLD


def test_the_report_has_a_line_for_each_step_guard_rail_and_the_advice() -> None:
    lines = verdict_lines(STAGES, Judge().verdict(STAGES, measured(errors=10)))
    assert lines[1] == "  1970-01-01T00:00:00Z 10"
    assert lines[2].startswith("  errors: a 1.000%, b 10.000%, difference +")
    assert [line.split(":")[0].strip() for line in lines[3:6]] == ["latency", "declines", "alerts"]
    assert lines[-1].startswith("rollback: errors: 10.00%")


def test_the_report_tells_the_last_p99_of_versions_that_answered() -> None:
    intervals = measured()
    last = Interval(600, 660, intervals[-1].pairs, {"a": 0.0214, "b": math.nan})
    lines = verdict_lines(STAGES, Judge().verdict(STAGES, [*intervals, last]))
    assert "  p99 of the last interval: a 21 ms" in lines
