"""An experiment that raises its own weight, and takes it back: steps, time at each, and a bound on the whole."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ci_cd_testing_deployment.ab_testing.errors import ClusterRefused, RouteChanged
from ci_cd_testing_deployment.ab_testing.evidence import Evidence
from ci_cd_testing_deployment.ab_testing.history import Stage
from ci_cd_testing_deployment.ab_testing.rollout import Rollout
from ci_cd_testing_deployment.ab_testing.route import ALL
from ci_cd_testing_deployment.ab_testing.verdict import Advice, Judge, Verdict
from fraud_prevention.domain.errors import Unavailable


@dataclass(frozen=True, slots=True)
class Plan:
    """`steps` are rising weights that end at 100; each is held `hold_s` at least, and judged every `interval_s`.

    warm_up_s: how much of the time before the experiment is read, to know what version a is like.
    give_up_s: how long the whole may take; then version a gets everything back, because nobody has seen b do well.
    """

    steps: tuple[int, ...] = (1, 5, 10, 25, 50, 100)
    interval_s: int = 60
    hold_s: int = 600
    warm_up_s: int = 600
    give_up_s: int = 86_400

    def __post_init__(self) -> None:
        rising = sorted(set(self.steps))
        if not self.steps or list(self.steps) != rising or rising[0] < 1 or rising[-1] != ALL:
            raise ValueError("steps must rise from 1 or more to 100")

    def after(self, weight: int) -> int:
        """The next greater weight; 100 stays."""
        return next((step for step in self.steps if step > weight), ALL)


def judge_now(judge: Judge, evidence: Evidence, stages: tuple[Stage, ...], now_s: float, warm_up_s: int) -> Verdict:
    """The verdict on an experiment; "hold" where the measurements cannot be had, for nobody then knows."""
    try:
        measured = evidence.intervals(stages[0].since_s - warm_up_s, int(now_s))
    except Unavailable as error:
        return Verdict(Advice.HOLD, (str(error),))
    return judge.verdict(stages, measured)


@dataclass(frozen=True, slots=True)
class Auto:
    """The loop. `wait` blocks for seconds; `tell` gets a line for each decision."""

    rollout: Rollout
    evidence: Evidence
    judge: Judge
    plan: Plan
    wait: Callable[[float], None]
    tell: Callable[[str], None]

    def run(self) -> bool:
        """Carry the experiment to its end; begin one where none runs. True if version b has everything.

        Each round reads the route, so that a run can take over from one that ended, and so that a person's rollback
        ends it. A cluster that does not answer is asked again at the next look. Raises RouteConflict where somebody else
        changed the rules.
        """
        if not self.rollout.stages():
            self.tell(f"weight {self.rollout.start(self.plan.steps[0])}")
        for _ in range(-(-self.plan.give_up_s // self.plan.interval_s)):
            self.wait(self.plan.interval_s)
            try:
                ended = self._round()
            except (ClusterRefused, RouteChanged) as error:
                self.tell(f"the same again at the next look: {error}")
                continue
            if ended is not None:
                return ended
        self._roll_back(f"no end after {self.plan.give_up_s} s")
        return False

    def _round(self) -> bool | None:
        """One look; None while the experiment goes on."""
        stages = self.rollout.stages()
        if not stages or stages[-1].weight == 0:
            self.tell("rolled back by somebody else")
            return False
        verdict = judge_now(self.judge, self.evidence, stages, self.rollout.now_s(), self.plan.warm_up_s)
        return self._act(verdict, stages)

    def _act(self, verdict: Verdict, stages: tuple[Stage, ...]) -> bool | None:
        weight, held_s = stages[-1].weight, self.rollout.now_s() - stages[-1].since_s
        if verdict.advice is Advice.ROLLBACK:
            self._roll_back("; ".join(verdict.reasons))
            return False
        if verdict.advice is Advice.HOLD or held_s < self.plan.hold_s:
            self.tell(f"weight {weight}, {verdict.advice}: {'; '.join(verdict.reasons)}")
            return None
        if weight == ALL:
            self.tell("promoted")
            return True
        self.tell(f"weight {self.rollout.ramp(self.plan.after(weight))}")
        return None

    def _roll_back(self, reason: str) -> None:
        self.rollout.rollback()
        self.tell(f"rolled back: {reason}")
