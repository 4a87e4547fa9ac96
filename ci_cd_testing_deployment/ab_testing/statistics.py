"""Tests that may be looked at after every interval: their false alarms stay below alpha however often one looks.

Each test multiplies a wealth that, without a difference, does not grow on average; by Ville's inequality it ever
reaches 1/alpha with a chance of alpha at most. Wealth is kept as a logarithm.

Two shares: Turner, Ly and Grünwald, "Generic E-variables for exact sequential k-sample tests", arXiv:2106.02693.
Ratio of samples: Lindon and Malek, "Anytime-valid inference for multinomial count data", arXiv:2011.03567.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import exp, inf, lgamma, log, sqrt
from typing import Final

_ODDS_RATIOS: Final = (1.25, 1.5, 2.0, 4.0, 16.0, 64.0, 256.0, 1024.0)
"""How much worse version b might be; the wealth is spread evenly over these bets."""
_CONCENTRATION: Final = 100.0  # events that the bet on a wrong ratio is worth: a shift by a tenth is soon noticed
_RHO_SQUARED: Final = 0.002  # the interval is tightest at about 1/rho squared times five events


@dataclass(frozen=True, slots=True)
class Pair:
    """One interval: how many events each version had, and how many of them were bad."""

    all_a: int
    bad_a: int
    all_b: int
    bad_b: int


def worse_share(pairs: Iterable[Pair], design_effect: float = 1.0) -> Iterator[float]:
    """After each interval, log of the wealth against "version b has no greater share of bad events than a".

    The bets on an interval know only the intervals before it. A common change of both shares (night, a busy hour)
    breaks nothing, because versions are compared within intervals. design_effect (1 or more) is how many events count
    for one, where a customer's events are alike: wealth to the power of 1/design_effect.
    """
    bets = [0.0] * len(_ODDS_RATIOS)
    seen = bad = 0
    for pair in pairs:
        if seen and pair.all_a and pair.all_b:
            share = (bad + 0.5) / (seen + 1)
            bets = [
                wealth + _gain(pair, share, ratio) / design_effect
                for wealth, ratio in zip(bets, _ODDS_RATIOS, strict=True)
            ]
        seen, bad = seen + pair.all_a, bad + pair.bad_a
        yield _log_mean_exp(bets)


def _gain(pair: Pair, share_a: float, odds_ratio: float) -> float:
    """Log of how much likelier the interval is with b's odds worse by the ratio than with one share for both.

    The one share is the mean of both, weighted by events: the choice for which no common share gains on average.
    """
    odds_b = share_a / (1 - share_a) * odds_ratio
    share_b = odds_b / (1 + odds_b)
    common = (pair.all_a * share_a + pair.all_b * share_b) / (pair.all_a + pair.all_b)
    return _log_likelihood_ratio(pair.all_a, pair.bad_a, share_a, common) + _log_likelihood_ratio(
        pair.all_b, pair.bad_b, share_b, common
    )


def _log_likelihood_ratio(count: int, bad: int, share: float, common: float) -> float:
    return bad * log(share / common) + (count - bad) * log((1 - share) / (1 - common))


def _log_mean_exp(values: list[float]) -> float:
    top = max(values)
    return top + log(sum(exp(value - top) for value in values) / len(values))


@dataclass(frozen=True, slots=True)
class Split:
    """Events that each version had while version b was owed one share of them (above 0, below 1)."""

    all_a: float
    all_b: float
    share_b: float


def wrong_ratio(splits: Iterable[Split], design_effect: float = 1.0) -> float:
    """Log of the wealth against "version b gets the share it is owed", over all stages.

    The bet is a Beta distribution around the share, so tight that a shift by a tenth is soon noticed.
    """
    wealth = 0.0
    for split in splits:
        a, b = split.all_a / design_effect, split.all_b / design_effect
        prior_a, prior_b = _CONCENTRATION * (1 - split.share_b), _CONCENTRATION * split.share_b
        wealth += _log_beta(prior_a + a, prior_b + b) - _log_beta(prior_a, prior_b)
        wealth -= a * log(1 - split.share_b) + b * log(split.share_b)
    return wealth


def _log_beta(a: float, b: float) -> float:
    return lgamma(a) + lgamma(b) - lgamma(a + b)


def chi_square(split: Split) -> float:
    """Pearson's statistic of one stage's ratio, for people who know it: above 3.84 once in twenty, looked at once."""
    total = split.all_a + split.all_b
    if total == 0:
        return 0.0
    owed_a, owed_b = total * (1 - split.share_b), total * split.share_b
    return (split.all_a - owed_a) ** 2 / owed_a + (split.all_b - owed_b) ** 2 / owed_b


def difference_interval(total: Pair, alpha: float) -> tuple[float, float]:
    """Confidence interval of b's share less a's that holds at all times at once, as an approximation for many events.

    The asymptotic confidence sequence of Waudby-Smith et al., arXiv:2103.06476, tightest at some thousands of events.
    """
    if not (total.all_a and total.all_b):
        return -inf, inf
    share_a, share_b = ((bad + 0.5) / (count + 1) for count, bad in _halves(total))
    variance = share_a * (1 - share_a) / total.all_a + share_b * (1 - share_b) / total.all_b
    # rho fixes where the sequence is tightest; in units of one effective sample of the smaller version.
    scale = min(total.all_a, total.all_b) * _RHO_SQUARED + 1
    half = sqrt(variance * scale / (scale - 1) * log(scale / alpha**2))
    return share_b - share_a - half, share_b - share_a + half


def _halves(total: Pair) -> tuple[tuple[int, int], tuple[int, int]]:
    return (total.all_a, total.bad_a), (total.all_b, total.bad_b)
