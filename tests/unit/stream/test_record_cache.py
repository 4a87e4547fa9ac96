"""What a process may take from its memory, and what it must read again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from data_pipeline.stream.plan import Plan
from data_pipeline.stream.record_cache import RecordCache

PLAN = Plan(7, "runner", 1, "bundle", {}, {})
KEYS = [b"a", b"b", b"c"]
ROOM = 10_000


class Store:
    """Says what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[bytes] = []

    def read(self, keys: Sequence[bytes]) -> list[bytes | None]:
        self.asked += keys
        return [None if key == b"c" else b"stored " + key for key in keys]


def filled(limit_bytes: int = ROOM) -> RecordCache:
    """After plan 7 in share 0 of 2."""
    cache = RecordCache(limit_bytes)
    cache.open(PLAN, 0, 2)
    cache.put(KEYS, [b"A", b"B", b"C"])
    cache.close(PLAN, 0, 2)
    return cache


def read(cache: RecordCache, keys: list[bytes] = KEYS) -> tuple[list[bytes | None], list[bytes]]:
    store = Store()
    return cache.read(keys, store.read), store.asked


def following(plan: Plan, number: int = 8) -> Plan:
    return replace(plan, number=number)


def test_the_next_plan_finds_what_was_written() -> None:
    cache = filled()
    cache.open(following(PLAN), 0, 2)
    assert read(cache, [b"c", b"x", b"a"]) == ([b"C", b"stored x", b"A"], [b"x"])


@pytest.mark.parametrize(
    ("plan", "share", "shares"),
    [
        (PLAN, 0, 2),  # the same plan again
        (following(PLAN, 9), 0, 2),  # somebody else did the one between
        (following(replace(PLAN, owner="another")), 0, 2),
        (following(PLAN), 1, 2),
        (following(PLAN), 0, 3),
    ],
)
def test_anybody_else_reads_again(plan: Plan, share: int, shares: int) -> None:
    cache = filled()
    cache.open(plan, share, shares)
    assert read(cache) == ([b"stored a", b"stored b", None], KEYS)


def test_a_task_that_did_not_end_leaves_nothing() -> None:
    cache = filled()
    cache.open(following(PLAN), 0, 2)
    cache.put([b"a"], [b"not known to be written"])
    cache.open(following(PLAN), 0, 2)
    assert read(cache)[1] == KEYS


def test_what_was_written_longest_ago_makes_room() -> None:
    cache = filled(limit_bytes=3 * 201)
    cache.open(following(PLAN), 0, 2)
    cache.put([b"a"], [b"D"])
    cache.put([b"d"], [b"E"])
    assert read(cache, [b"a", b"b", b"c", b"d"]) == ([b"D", b"stored b", b"C", b"E"], [b"b"])


def test_a_longer_record_takes_more_room() -> None:
    cache = filled(limit_bytes=3 * 201)
    cache.open(following(PLAN), 0, 2)
    cache.put([b"c"], [b"longer"])
    assert read(cache)[1] == [b"a"]
    cache.put([b"c"], [b"too long" * 100])
    assert read(cache)[1] == KEYS


def test_without_room_everything_is_read() -> None:
    cache = filled(limit_bytes=0)
    cache.open(following(PLAN), 0, 2)
    assert read(cache)[1] == KEYS
