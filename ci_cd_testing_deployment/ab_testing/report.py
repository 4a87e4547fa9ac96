"""An experiment in words: its steps, a line for each guard-rail, and the advice."""

from __future__ import annotations

from math import exp, isinf, isnan

from ci_cd_testing_deployment.ab_testing.history import Stage, write_history
from ci_cd_testing_deployment.ab_testing.verdict import Finding, Verdict


def verdict_lines(stages: tuple[Stage, ...], verdict: Verdict) -> list[str]:
    """What `status` prints."""
    steps = ["steps of version b, in percent:", *(f"  {line}" for line in write_history(stages).splitlines())]
    p99 = [f"{version} {p99_s * 1000:.0f} ms" for version, p99_s in verdict.p99_s.items() if not isnan(p99_s)]
    last = [f"  p99 of the last interval: {', '.join(p99)}"] if p99 else []
    return [*steps, *map(_finding_line, verdict.findings), *last, f"{verdict.advice}: {'; '.join(verdict.reasons)}"]


def _finding_line(finding: Finding) -> str:
    total = finding.total
    shares = [f"{bad / count:.3%}" if count else "-" for count, bad in
              ((total.all_a, total.bad_a), (total.all_b, total.bad_b))]  # fmt: skip
    between = "" if isinf(finding.low) else f", difference {finding.low:+.3%} to {finding.high:+.3%}"
    against = exp(min(finding.wealth_log, 50))
    return f"  {finding.rail.name}: a {shares[0]}, b {shares[1]}{between}, {against:.3g} to 1 against chance"
