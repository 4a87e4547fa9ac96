"""Transactions of many partitions come out in the order of time, and none before it is sure that nothing precedes it."""

from __future__ import annotations

import random

from data_pipeline.skew.merge import Merge, Place
from fraud_prevention.domain.topics import LABELS, TRANSACTIONS

A: Place = (TRANSACTIONS, 0)
B: Place = (TRANSACTIONS, 1)
TOLD: Place = (LABELS, 0)


def add(merge: Merge, place: Place, *times: int) -> None:
    merge.add(place, times, [f"{place[1]}:{time}".encode() for time in times])


def test_what_may_be_preceded_waits() -> None:
    merge = Merge([A, B], room=10)
    add(merge, A, 1, 5, 9)
    add(merge, B, 2, 6)
    assert merge.release([A, B]) == [b"0:1", b"1:2", b"0:5"]
    assert merge.release([A]) == [b"1:6"]
    assert merge.release([]) == [b"0:9"]


def test_nothing_comes_out_while_a_partition_has_said_nothing() -> None:
    merge = Merge([A, B], room=10)
    add(merge, A, 1)
    assert merge.release([B]) == []
    assert merge.release([]) == [b"0:1"]


def test_a_late_transaction_keeps_its_place_in_its_log() -> None:
    merge = Merge([A, B], room=10)
    add(merge, A, 5, 1, 7)
    add(merge, B, 2, 6)
    add(merge, B, 3)
    assert merge.release([]) == [b"1:2", b"0:5", b"0:1", b"1:6", b"1:3", b"0:7"]


def test_side_inputs_that_are_not_read_hold_transactions_back() -> None:
    merge = Merge([A, TOLD], room=10)
    add(merge, A, 1, 5)
    assert merge.release([TOLD]) == []
    merge.advance(TOLD, [4, 2])
    assert merge.release([TOLD]) == [b"0:1"]
    assert merge.release([]) == [b"0:5"]


def test_side_inputs_are_read_no_further_than_transactions() -> None:
    merge = Merge([A, TOLD], room=2)
    assert merge.wanted([A, TOLD]) == [A, TOLD]
    add(merge, A, 1, 5)
    merge.advance(TOLD, [6])
    assert merge.wanted([A, TOLD]) == [A]  # it holds the others back, full or not
    assert merge.wanted([TOLD]) == [TOLD]


def test_a_full_partition_is_read_on_only_where_it_holds_the_others_back() -> None:
    merge = Merge([A, B], room=2)
    add(merge, A, 8, 9)
    add(merge, B, 1)
    assert merge.wanted([A, B]) == [B]
    add(merge, B, 10)
    assert merge.wanted([A, B]) == [A]


def test_all_come_out_in_order_whatever_is_read_together() -> None:
    rng = random.Random(7)
    logs = {place: sorted(rng.randrange(1_000) for _ in range(200)) for place in (A, B)}
    merge = Merge(list(logs), room=20)
    at = dict.fromkeys(logs, 0)
    found = []
    while unread := [place for place in logs if at[place] < len(logs[place])]:
        for place in merge.wanted(unread):
            end = min(len(logs[place]), at[place] + rng.randrange(1, 20))
            add(merge, place, *logs[place][at[place] : end])
            at[place] = end
        found += merge.release([place for place in logs if at[place] < len(logs[place])])
    times = [int(body.split(b":")[1]) for body in found]
    assert times == sorted(logs[A] + logs[B])
