"""Measurements of both versions from Prometheus, which adds the pods' label `version` to what it scrapes."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final
from urllib.error import URLError
from urllib.parse import urlencode
from urllib.request import urlopen

from ci_cd_testing_deployment.ab_testing.evidence import ALERTS, DECLINES, ERRORS, SLOW, Interval
from ci_cd_testing_deployment.ab_testing.statistics import Pair
from fraud_prevention.domain import metrics
from fraud_prevention.domain.decision import Outcome
from fraud_prevention.domain.errors import Unavailable

_POINTS_AT_MOST: Final = 10_000  # Prometheus refuses more than 11,000 in one answer
_QUANTILE: Final = 0.99
_ROUTE: Final = 'route="/v1/decisions"'

Counts = dict[tuple[int, str, str], float]
"""By the end of the interval, the version and one more label."""


@dataclass(frozen=True, slots=True)
class PrometheusEvidence:
    """`selector` are the matchers that tell this experiment's pods from others (`namespace="fraudstream"`).

    slow_s must be a bound of the latency histogram. An interval should hold four scrapes or more, because Prometheus
    extrapolates to its ends.
    """

    url: str
    selector: str = ""
    interval_s: int = 60
    slow_s: float = 0.15
    timeout_s: float = 10.0

    def __post_init__(self) -> None:
        if self.slow_s not in metrics.API_SECONDS.buckets:
            raise ValueError(f"{self.slow_s} s is no bound of the histogram: choose from {metrics.API_SECONDS.buckets}")

    def intervals(self, since_s: int, until_s: int) -> list[Interval]:
        """See the port. Intervals are counted from `since_s`, at most the last 10,000 of them."""
        count = min((until_s - since_s) // self.interval_s, _POINTS_AT_MOST)
        if count < 1:
            return []
        last_s = since_s + (until_s - since_s) // self.interval_s * self.interval_s
        ends = range(last_s - (count - 1) * self.interval_s, last_s + 1, self.interval_s)
        status = self._increase(metrics.API_REQUESTS.name, _ROUTE, "status", ends)
        within = self._increase(f"{metrics.API_SECONDS.name}_bucket", _ROUTE, "le", ends)
        outcome = self._increase(metrics.API_DECISIONS.name, "", "outcome", ends)
        return [self._interval(end_s, status, within, outcome) for end_s in ends]

    def _interval(self, end_s: int, status: Counts, within: Counts, outcome: Counts) -> Interval:
        pairs = {
            ERRORS.name: _pair(end_s, status, lambda code: code.startswith("5")),
            SLOW.name: _late_pair(end_s, within, self.slow_s),
            DECLINES.name: _pair(end_s, outcome, lambda name: name == Outcome.DECLINE.wire),
            ALERTS.name: _pair(end_s, outcome, lambda name: name != Outcome.APPROVE.wire),
        }
        p99_s = {version: _quantile(end_s, version, within) for version in "ab"}
        return Interval(end_s - self.interval_s, end_s, pairs, p99_s)

    def _increase(self, metric: str, matchers: str, label: str, ends: range) -> Counts:
        inside = ",".join(part for part in (matchers, 'version=~"a|b"', self.selector) if part)
        query = f"sum by (version, {label}) (increase({metric}{{{inside}}}[{self.interval_s}s]))"
        found: Counts = defaultdict(float)
        for series in self._range(query, ends):
            labels = series["metric"]
            for at_s, value in series["values"]:
                found[int(at_s), labels["version"], labels[label]] += float(value)
        return dict(found)

    def _range(self, query: str, ends: range) -> list[Any]:
        asked = urlencode({"query": query, "start": ends[0], "end": ends[-1], "step": self.interval_s})
        try:
            with urlopen(f"{self.url.rstrip('/')}/api/v1/query_range?{asked}", timeout=self.timeout_s) as answer:  # noqa: S310 - the operator gives the address
                found: list[Any] = json.load(answer)["data"]["result"]
        except (URLError, TimeoutError, ValueError, KeyError) as error:
            raise Unavailable(
                "Prometheus", f"{self.url}: {error}; forward its port or give --prometheus URL"
            ) from error
        return found


def _pair(end_s: int, counts: Counts, is_bad: Callable[[str], bool]) -> Pair:
    """Both versions' events of an interval; Prometheus extrapolates, so that counts have to be rounded."""
    all_of: dict[str, float] = defaultdict(float)
    bad_of: dict[str, float] = defaultdict(float)
    for (at_s, version, key), count in counts.items():
        if at_s == end_s:
            all_of[version] += count
            bad_of[version] += count * is_bad(key)
    return Pair(*(round(of[version]) for version in "ab" for of in (all_of, bad_of)))


def _late_pair(end_s: int, within: Counts, slow_s: float) -> Pair:
    """Late answers are all but those within the bound, for the histogram's counts are cumulative."""
    found = []
    for version in "ab":
        below = {float(key): count for (at_s, v, key), count in within.items() if (at_s, v) == (end_s, version)}
        every = below.get(math.inf, 0.0)
        found += [round(every), round(max(0.0, every - below.get(slow_s, 0.0)))]
    return Pair(*found)


def _quantile(end_s: int, version: str, within: Counts) -> float:
    """p99 in seconds by linear interpolation within its bucket; the last bound where it lies beyond all."""
    bounds = sorted((float(key), count) for (at_s, v, key), count in within.items() if (at_s, v) == (end_s, version))
    if not bounds or bounds[-1][1] == 0:
        return math.nan
    rank, low_s, low_count = _QUANTILE * bounds[-1][1], 0.0, 0.0
    for bound_s, count in bounds:
        if count >= rank:
            return (
                low_s if math.isinf(bound_s) else low_s + (bound_s - low_s) * (rank - low_count) / (count - low_count)
            )
        low_s, low_count = bound_s, count
    return low_s
