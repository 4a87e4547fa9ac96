"""From measurements to a verdict: go on, wait, or roll back, with its reasons. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from math import exp, log

from ci_cd_testing_deployment.ab_testing import statistics
from ci_cd_testing_deployment.ab_testing.evidence import ERRORS, GUARD_RAILS, GuardRail, Interval
from ci_cd_testing_deployment.ab_testing.history import Stage
from ci_cd_testing_deployment.ab_testing.route import ALL
from ci_cd_testing_deployment.ab_testing.statistics import Pair


class Advice(StrEnum):
    """What the measurements advise."""

    CONTINUE = "continue"
    HOLD = "hold"
    ROLLBACK = "rollback"


@dataclass(frozen=True, slots=True)
class Finding:
    """One guard-rail over the whole experiment. `wealth_log` is the greatest log of wealth that it had."""

    rail: GuardRail
    total: Pair
    wealth_log: float
    low: float
    high: float
    is_breached: bool


@dataclass(frozen=True, slots=True)
class Verdict:
    """The advice, and a sentence for each reason; findings and the last interval's p99 (s, by version) for the table."""

    advice: Advice
    reasons: tuple[str, ...]
    findings: tuple[Finding, ...] = ()
    p99_s: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Judge:
    """How strict to be.

    alpha: the chance that a version as good as the other is ever rolled back, shared by all guard-rails.
    requests_at_least: version b's requests in the present stage before anything is advised but waiting.
    design_effect: how many events of outcomes count for one, because those of one customer are alike.
    ratio_tolerance: b's share of the requests may be off by this part of itself before the ratio counts as wrong.
    """

    alpha: float = 0.05
    requests_at_least: int = 200
    design_effect: float = 2.0
    ratio_design_effect: float = 20.0
    ratio_tolerance: float = 0.2
    rails: tuple[GuardRail, ...] = field(default=GUARD_RAILS)

    def verdict(self, stages: tuple[Stage, ...], intervals: list[Interval]) -> Verdict:
        """Judge an experiment of one stage or more. Intervals before it teach what version a is like."""
        findings = tuple(self._finding(rail, stages, intervals) for rail in self.rails)
        p99_s = intervals[-1].p99_s if intervals else {}
        if breached := [f for f in findings if f.is_breached]:
            return Verdict(Advice.ROLLBACK, tuple(_breach(f) for f in breached), findings, p99_s)
        if doubts := [*self._too_few(stages, intervals), *self._wrong_ratio(stages, intervals)]:
            return Verdict(Advice.HOLD, tuple(doubts), findings, p99_s)
        return Verdict(Advice.CONTINUE, ("no guard-rail is breached",), findings, p99_s)

    def _finding(self, rail: GuardRail, stages: tuple[Stage, ...], intervals: list[Interval]) -> Finding:
        alpha = self.alpha / len(self.rails)
        pairs = [i.pairs[rail.name] for i in intervals]
        wealth_log = max(statistics.worse_share(pairs, self.design_effect), default=0.0)
        total = total_of(rail, [i for i in intervals if i.end_s > stages[0].since_s])
        low, high = statistics.difference_interval(total, alpha)
        is_breached = wealth_log >= -log(alpha) and difference(total) > rail.tolerance
        return Finding(rail, total, wealth_log, low, high, is_breached)

    def _too_few(self, stages: tuple[Stage, ...], intervals: list[Interval]) -> list[str]:
        served = total_of(ERRORS, [i for i in intervals if i.start_s >= stages[-1].since_s]).all_b
        if served >= self.requests_at_least:
            return []
        return [f"version b has served {served} requests at {stages[-1].weight} %, {self.requests_at_least} are wanted"]

    def _wrong_ratio(self, stages: tuple[Stage, ...], intervals: list[Interval]) -> list[str]:
        """Whether the gateway gives version b what it is owed; if not, the two versions' customers differ."""
        split = [s for s in _requests_by_stage(stages, intervals) if 0 < s.share_b < 1]
        requests_b, owed_b = sum(s.all_b for s in split), sum((s.all_a + s.all_b) * s.share_b for s in split)
        is_off = abs(requests_b - owed_b) > self.ratio_tolerance * owed_b
        if not is_off or statistics.wrong_ratio(split, self.ratio_design_effect) < -log(self.alpha):
            return []
        reason = (
            f"version b had {requests_b:.0f} requests and was owed {owed_b:.0f} (chi-square of the last stage "
            f"{statistics.chi_square(split[-1]):.0f}): look for callers whose bucket header is missing or made otherwise"
        )
        return [reason]


def total_of(rail: GuardRail, intervals: list[Interval]) -> Pair:
    """All events of the intervals together."""
    pairs = [i.pairs[rail.name] for i in intervals]
    return Pair(
        sum(p.all_a for p in pairs),
        sum(p.bad_a for p in pairs),
        sum(p.all_b for p in pairs),
        sum(p.bad_b for p in pairs),
    )


def difference(total: Pair) -> float:
    """Version b's share of bad events less version a's; 0 where a version has no events."""
    return total.bad_b / total.all_b - total.bad_a / total.all_a if total.all_a and total.all_b else 0.0


def _requests_by_stage(stages: tuple[Stage, ...], intervals: list[Interval]) -> list[statistics.Split]:
    """Requests of the intervals that lie within one stage wholly."""
    ends = [*(stage.since_s for stage in stages[1:]), None]
    found = []
    for stage, until_s in zip(stages, ends, strict=True):
        inside = [i for i in intervals if i.start_s >= stage.since_s and (until_s is None or i.end_s <= until_s)]
        total = total_of(ERRORS, inside)
        found.append(statistics.Split(total.all_a, total.all_b, stage.weight / ALL))
    return found


def _breach(finding: Finding) -> str:
    total = finding.total
    return (
        f"{finding.rail.name}: {total.bad_b / total.all_b:.2%} of version b's against {total.bad_a / total.all_a:.2%} "
        f"of version a's {finding.rail.meaning}; {exp(min(finding.wealth_log, 50)):.3g} to 1 against chance"
    )
