"""Looking after every interval raises no more false alarms than were agreed, and a real difference is found."""

from __future__ import annotations

from itertools import accumulate
from math import log

import numpy as np
import pytest

from ci_cd_testing_deployment.ab_testing.statistics import (
    Pair,
    Split,
    chi_square,
    difference_interval,
    worse_share,
    wrong_ratio,
)

ALPHA = 0.05
RAILS = 4
LOOKS = 100
RUNS = 200
BASES = (0.001, 0.01, 0.03, 0.05)  # shares of bad events, one for each guard-rail


def intervals(
    draw: np.random.Generator,
    base: float,
    *,
    ratio: float = 1.0,
    weight: float = 0.1,
    events: int = 2_000,
    alike: int = 1,
) -> list[Pair]:
    """One interval of version a alone, then both. The base swings as days do; events come `alike` at a time."""
    found = []
    for look in range(LOOKS + 1):
        groups_b = int(draw.binomial(events // alike, weight)) if look else 0
        groups_a = events // alike - groups_b
        share = base * draw.uniform(0.5, 1.5)
        bad_a, bad_b = draw.binomial([groups_a, groups_b], [share, min(1.0, share * ratio)])
        found.append(Pair(groups_a * alike, int(bad_a) * alike, groups_b * alike, int(bad_b) * alike))
    return found


def first_alarm(pairs: list[Pair], design_effect: float = 1.0) -> int | None:
    """The first look that would alarm at a guard-rail's part of alpha."""
    bound = -log(ALPHA / RAILS)
    return next((n for n, wealth in enumerate(worse_share(pairs, design_effect)) if wealth >= bound), None)


@pytest.mark.parametrize(("weight", "alike"), [(0.01, 1), (0.5, 1), (0.1, 2)])
def test_equal_versions_alarm_in_one_experiment_of_twenty_at_most(weight: float, alike: int) -> None:
    """Any of four guard-rails, at any of 100 looks; where events come in twos, with a design effect of two."""
    draw = np.random.default_rng(7)
    alarms = sum(
        any(first_alarm(intervals(draw, base, weight=weight, alike=alike), alike) is not None for base in BASES)
        for _ in range(RUNS)
    )
    assert alarms / RUNS <= ALPHA


def test_looking_again_and_again_at_a_fixed_test_would_alarm_far_too_often() -> None:
    """What the sequential test is for: the z-test of two shares, looked at 100 times."""
    draw = np.random.default_rng(7)
    alarms = 0
    for _ in range(RUNS):
        sums = accumulate((np.array([p.all_a, p.bad_a, p.all_b, p.bad_b]) for p in intervals(draw, 0.03)[1:]), np.add)
        alarms += any(_z(*map(float, total)) > 1.645 for total in sums)
    assert alarms / RUNS > 3 * ALPHA


def _z(all_a: float, bad_a: float, all_b: float, bad_b: float) -> float:
    share = (bad_a + bad_b) / (all_a + all_b)
    spread = (share * (1 - share) * (1 / all_a + 1 / all_b)) ** 0.5
    return (bad_b / all_b - bad_a / all_a) / spread if spread else 0.0


@pytest.mark.parametrize(
    ("base", "ratio", "looks"),
    [
        (0.001, 300.0, 1),  # every third answer fails
        (0.001, 10.0, 20),
        (0.03, 1.5, 60),
        (0.05, 2.0, 20),
    ],
)
def test_a_worse_version_is_found(base: float, ratio: float, looks: int) -> None:
    """At 10 % of 2,000 events in an interval: nine times in ten within so many looks."""
    draw = np.random.default_rng(11)
    found = [first_alarm(intervals(draw, base, ratio=ratio)) for _ in range(100)]
    assert sum(n is not None and n <= looks for n in found) >= 90


def test_a_better_version_never_alarms() -> None:
    draw = np.random.default_rng(3)
    assert [first_alarm(intervals(draw, 0.05, ratio=0.5)) for _ in range(50)] == [None] * 50


def test_intervals_without_one_of_the_versions_say_nothing() -> None:
    assert list(worse_share([Pair(100, 1, 0, 0), Pair(0, 0, 100, 90), Pair(50, 2, 0, 0)])) == [0.0, 0.0, 0.0]


def test_the_right_ratio_is_rarely_called_wrong() -> None:
    draw = np.random.default_rng(5)
    alarms = 0
    for _ in range(RUNS):
        per_look = draw.binomial(500, 0.1, size=LOOKS).cumsum()
        looks = (Split(500 * n - b, b, 0.1) for n, b in enumerate(per_look, 1))
        alarms += any(wrong_ratio([split]) >= -log(ALPHA) for split in looks)
    assert alarms / RUNS <= ALPHA


def test_a_wrong_ratio_is_called_wrong() -> None:
    assert wrong_ratio([Split(8_500, 1_500, 0.1)]) > -log(ALPHA)
    assert wrong_ratio([Split(9_000, 1_000, 0.1)]) < 0


def test_chi_square_of_a_known_table() -> None:
    assert chi_square(Split(880, 120, 0.1)) == pytest.approx(20**2 / 900 + 20**2 / 100)
    assert chi_square(Split(0, 0, 0.1)) == 0.0


def test_the_interval_holds_the_truth_at_all_looks_together() -> None:
    draw = np.random.default_rng(13)
    misses = 0
    for _ in range(RUNS):
        bad = draw.binomial(200, [0.05, 0.07], size=(LOOKS, 2)).cumsum(axis=0)
        spans = (difference_interval(Pair(200 * n, int(a), 200 * n, int(b)), ALPHA) for n, (a, b) in enumerate(bad, 1))
        misses += any(not low <= 0.02 <= high for low, high in spans)
    assert misses / RUNS <= ALPHA


def test_the_interval_shrinks() -> None:
    widths = [
        high - low
        for low, high in (difference_interval(Pair(n, n // 20, n, n // 20), ALPHA) for n in (100, 1_000, 10_000))
    ]
    assert widths == sorted(widths, reverse=True)
    assert widths[-1] < 0.02
