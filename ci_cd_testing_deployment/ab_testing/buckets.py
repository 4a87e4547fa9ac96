"""Regular expressions of bucket headers: one that takes the buckets below a weight, one that takes the rest.

Written for RE2 and anchored, so that a gateway that searches and one that matches whole values agree.
"""

from __future__ import annotations

from fraud_prevention.domain.bucket import BUCKETS


def below(weight: int) -> str:
    """Matches the two digits of every bucket below the weight (1 to 100)."""
    tens, units = divmod(weight, 10)
    return _either(
        [f"{_span(0, tens - 1)}[0-9]"] * (tens > 0) + [f"{tens}{_span(0, units - 1)}"] * (units > 0),
    )


def from_on(weight: int) -> str:
    """Matches the two digits of every bucket at or above the weight (0 to 99)."""
    tens, units = divmod(weight, 10)
    full_from = tens + (units > 0)
    return _either(
        [f"{tens}{_span(units, 9)}"] * (units > 0) + [f"{_span(full_from, 9)}[0-9]"] * (full_from * 10 < BUCKETS),
    )


def _span(low: int, high: int) -> str:
    return str(low) if low == high else f"[{low}-{high}]"


def _either(branches: list[str]) -> str:
    return f"^{branches[0]}$" if len(branches) == 1 else f"^({'|'.join(branches)})$"
