"""The bucket of a customer: pinned, even, and apart from the arms of other experiments."""

from __future__ import annotations

from collections import Counter

import pytest

from fraud_prevention.domain.bucket import BUCKETS, bucket_header, bucket_of

CUSTOMERS = [f"cu-{n:06d}" for n in range(100_000)]


@pytest.mark.parametrize(
    ("customer_id", "salt", "bucket"),
    [
        ("cu-000001", "service-version", 10),
        ("", "service-version", 81),
        ("Zoë", "service-version", 9),
        ("cu-000001", "model-2026-11", 71),
    ],
)
def test_buckets_never_change(customer_id: str, salt: str, bucket: int) -> None:
    assert bucket_of(customer_id, salt) == bucket


def test_header_is_two_digits() -> None:
    headers = {bucket_header(c)["X-Fraud-Bucket"] for c in CUSTOMERS[:5_000]}
    assert headers == {f"{n:02d}" for n in range(BUCKETS)}


def test_customers_are_spread_evenly() -> None:
    counts = Counter(map(bucket_of, CUSTOMERS))
    expected = len(CUSTOMERS) / BUCKETS
    chi_square = sum((counts[b] - expected) ** 2 / expected for b in range(BUCKETS))
    assert chi_square < 149.4  # 1 in 1,000 at 99 degrees of freedom


def test_arms_of_a_model_are_the_same_on_both_sides_of_a_split() -> None:
    """Each model arm holds its share of version b's customers, because the salts differ."""
    arms = Counter((bucket_of(c) < 10, bucket_of(c, "model-2026-11") < 50) for c in CUSTOMERS)
    assert arms[True, True] / (arms[True, True] + arms[True, False]) == pytest.approx(0.5, abs=0.02)
    assert arms[False, True] / (arms[False, True] + arms[False, False]) == pytest.approx(0.5, abs=0.02)


def test_salt_and_customer_do_not_run_together() -> None:
    pairs = [(f"{'x' * n}", "x" * (40 - n)) for n in range(40)]
    assert len({bucket_of(customer, salt) for salt, customer in pairs}) > 20
