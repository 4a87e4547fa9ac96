"""The job in plain Python is the kernel's: peers that call it are held to the same numbers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import pytest

from ci_cd_testing_deployment.performance_testing.peers.check import Output, compare, right_answers
from ci_cd_testing_deployment.performance_testing.peers.history import CAP, Entry, advance, remember
from tests.fixtures.events import as_table, transactions


def outputs(events: list[dict[str, Any]]) -> Iterator[Output]:
    histories: dict[str, list[Entry]] = defaultdict(list)
    for event in events:
        yield event["transaction_id"], advance(histories[event["customer_id"]], event)


@pytest.mark.parametrize(("customers", "mean_gap_ms"), [(20, 400_000), (2, 30_000), (3, 7_000_000)])
def test_plain_python_computes_what_the_replay_computes(customers: int, mean_gap_ms: int) -> None:
    events = transactions(2_000, customers=customers, seed=7, mean_gap_ms=mean_gap_ms)
    found = compare(outputs(events), right_answers(as_table(events)), len(events))
    assert (found.checked, found.equal, found.repeats) == (len(events), len(events), 0)


def test_history_is_kept_in_order_and_bounded() -> None:
    entries: list[Entry] = []
    for minute in [*range(2 * CAP), 400, 300]:
        remember(entries, [minute * 60_000, 1, "card", "merchant"])
    assert len(entries) == CAP
    assert entries == sorted(entries)


def test_comparison_counts_what_is_missing_repeated_and_wrong() -> None:
    events = transactions(10, customers=2, seed=1)
    right = list(outputs(events))
    wrong = (right[3][0], [0.5, *right[3][1][1:]])
    found = compare(iter([*right[:3], wrong, *right[4:9], right[0]]), right_answers(as_table(events)), 10)
    assert (found.checked, found.equal, found.repeats) == (9, 8, 1)


def test_an_unknown_transaction_is_an_error() -> None:
    with pytest.raises(KeyError, match="stranger"):
        compare(iter([("stranger", [0.0] * 8)]), right_answers(as_table(transactions(1, customers=1, seed=1))), 1)
