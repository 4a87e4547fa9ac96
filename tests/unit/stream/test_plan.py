"""A plan is a cut of every topic: what it holds, how large it gets, and how it travels."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from data_pipeline.stream.plan import INPUTS, Offsets, Plan, bounded
from fraud_prevention.domain.topics import AUTHORISATIONS, LABELS, TRANSACTIONS

STARTS: Offsets = {TRANSACTIONS: [10, 20, 30], LABELS: [1, 2, 3], AUTHORISATIONS: [5, 5, 5]}
ENDS: Offsets = {TRANSACTIONS: [15, 20, 30], LABELS: [1, 2, 7], AUTHORISATIONS: [6, 5, 5]}
PLAN = Plan(4, "me", 99, "bundle", STARTS, ENDS)


def test_a_partition_begins_and_ends_at_the_sum_over_topics() -> None:
    assert [PLAN.start(p) for p in range(3)] == [16, 27, 38]
    assert [PLAN.end(p) for p in range(3)] == [22, 27, 42]
    assert (PLAN.total_start, PLAN.total_end, PLAN.records) == (81, 91, 10)


def test_only_what_holds_something_is_busy() -> None:
    assert PLAN.partitions == 3
    assert PLAN.busy() == [0, 2]
    assert PLAN.ranges(TRANSACTIONS, [0, 1, 2]) == {0: (10, 15)}
    assert PLAN.ranges(TRANSACTIONS, [1, 2]) == {}
    assert PLAN.ranges(LABELS, [0, 2]) == {2: (3, 7)}


def test_the_next_plan_goes_on_where_this_one_ends() -> None:
    further = {topic: [end + 1 for end in ends] for topic, ends in ENDS.items()}
    following = PLAN.following(further, "newer")
    assert (following.number, following.owner, following.log, following.bundle) == (5, "me", 99, "newer")
    assert (following.starts, following.ends) == (ENDS, further)
    assert all(following.start(p) == PLAN.end(p) for p in range(3))


def test_another_owner_changes_nothing_else() -> None:
    taken = PLAN.owned_by("you")
    assert taken.owner == "you"
    assert taken.owned_by("me") == PLAN


def test_a_plan_comes_back_from_its_text() -> None:
    assert Plan.from_json(PLAN.to_json()) == PLAN
    assert Plan.from_json(PLAN.to_json()).to_json() == PLAN.to_json()


def test_the_hash_of_a_topic_fits_into_the_text() -> None:
    large = Plan(2**62, "o", 2**63 - 1, "b", STARTS, {t: [2**53] * 3 for t in INPUTS})
    assert Plan.from_json(large.to_json()) == large


CUTS = st.integers(1, 5).flatmap(
    lambda partitions: st.fixed_dictionaries(
        {
            topic: st.lists(
                st.tuples(st.integers(0, 1_000), st.integers(-5, 500)), min_size=partitions, max_size=partitions
            )
            for topic in INPUTS
        }
    )
)


@given(CUTS, st.integers(1, 2_000))
@example({TRANSACTIONS: [(0, 0)], LABELS: [(0, -4)], AUTHORISATIONS: [(0, 5)]}, 1)
def test_a_bounded_cut_lies_within_what_there_is_and_moves_on(
    cuts: dict[str, list[tuple[int, int]]], limit: int
) -> None:
    starts = {topic: [s for s, _ in rows] for topic, rows in cuts.items()}
    available = {topic: [s + more for s, more in rows] for topic, rows in cuts.items()}
    ends = bounded(starts, available, limit)
    taken = waiting = places = 0
    for topic in INPUTS:
        for start, reach, end in zip(starts[topic], available[topic], ends[topic], strict=True):
            assert start <= end <= max(start, reach)
            assert end > start or reach <= start  # nobody waits in vain
            taken, waiting, places = taken + end - start, waiting + max(reach - start, 0), places + 1
    assert taken <= min(waiting, limit + places)


@pytest.mark.parametrize("limit", [100, 101, 10_000])
def test_what_fits_is_taken_whole(limit: int) -> None:
    starts: Offsets = {t: [0, 7] for t in INPUTS}
    available: Offsets = {TRANSACTIONS: [60, 47], LABELS: [0, 7], AUTHORISATIONS: [0, 7]}
    assert bounded(starts, available, limit) == available


def test_each_partition_gets_its_share_of_what_waits() -> None:
    starts: Offsets = {t: [0, 0] for t in INPUTS}
    available: Offsets = {TRANSACTIONS: [8_000, 1_000], LABELS: [1_000, 0], AUTHORISATIONS: [0, 0]}
    assert bounded(starts, available, 1_000) == {TRANSACTIONS: [800, 100], LABELS: [100, 0], AUTHORISATIONS: [0, 0]}


def test_the_same_offsets_give_the_same_cut() -> None:
    available = {t: [s + 1_000 for s in starts] for t, starts in STARTS.items()}
    assert bounded(STARTS, available, 77) == bounded(dict(STARTS), dict(available), 77)
