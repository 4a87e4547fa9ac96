"""What the pages repeat of the reference tables is what the tables say."""

from __future__ import annotations

import re

from fraud_prevention.domain.reference import BASE_CURRENCY, CURRENCIES, minor_digits
from tests.architecture.tree import read

_PAGES = "visualization_dashboard/frontend/src"


def _quoted(path: str, pattern: str) -> str:
    found = re.search(pattern + r'"([A-Z ]+)"', read(f"{_PAGES}/{path}"))
    assert found is not None, f"{path} has no {pattern}"
    return found[1]


def test_pages_and_tables_have_the_same_base_currency() -> None:
    assert _quoted("api/adapters.ts", "BASE_CURRENCY = ") == BASE_CURRENCY


def test_pages_and_tables_have_the_same_minor_units() -> None:
    for name, digits in (("NO_DIGITS", 0), ("THREE_DIGITS", 3)):
        listed = _quoted("lib/format.ts", rf"{name} = new Set\(").split()
        assert sorted(listed) == sorted(c for c in CURRENCIES if minor_digits(c) == digits)
