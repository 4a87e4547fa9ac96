"""Transactions of many partitions in one order of time, each partition's in the order of its log.

Knows places of the log and times, and nothing of what the records say.
"""

from __future__ import annotations

import heapq
from bisect import bisect_left
from collections.abc import Collection, Sequence
from itertools import accumulate
from operator import itemgetter
from typing import Final

from fraud_prevention.domain.topics import TRANSACTIONS

Place = tuple[str, int]  # topic and partition

_NOTHING_READ: Final = -1
_time_of: Final = itemgetter(0)


class Merge:
    """Holds transactions until nothing that is still unread can come before them.

    A record's time is the latest of its partition so far, so that a late one keeps its place in its log. A place of
    side inputs has only a clock: what it has not said yet holds transactions back. About `room` transactions of each
    partition wait at most; more of them only where they are of one millisecond.
    """

    def __init__(self, places: Collection[Place], room: int) -> None:
        self._room = room
        self._clocks = dict.fromkeys(places, _NOTHING_READ)
        self._held: dict[Place, list[tuple[int, bytes]]] = {p: [] for p in places if p[0] == TRANSACTIONS}

    def add(self, place: Place, times: Sequence[int], bodies: Sequence[bytes]) -> None:
        """What was read next of a partition of transactions: times in ms, as they are in the log."""
        clocks = list(accumulate(times, max, initial=self._clocks[place]))[1:]
        self._held[place].extend(zip(clocks, bodies, strict=True))
        self.advance(place, times)

    def advance(self, place: Place, times: Sequence[int]) -> None:
        """What was read next of a place went elsewhere; times in ms."""
        self._clocks[place] = max(self._clocks[place], max(times, default=_NOTHING_READ))

    def wanted(self, unread: Collection[Place]) -> list[Place]:
        """Which of the places with unread records to read on: one that holds all others back is always among them."""
        if not unread:
            return []
        slowest = min(self._clocks[place] for place in unread)
        newest = max(clock for place, clock in self._clocks.items() if place[0] == TRANSACTIONS)
        is_all_there = all(place[0] != TRANSACTIONS for place in unread)
        return [
            place
            for place in unread
            if self._clocks[place] == slowest or self._has_room(place, newest, is_all_there=is_all_there)
        ]

    def _has_room(self, place: Place, newest: int, *, is_all_there: bool) -> bool:
        if place in self._held:
            return len(self._held[place]) < self._room
        return is_all_there or self._clocks[place] <= newest

    def release(self, unread: Collection[Place]) -> list[bytes]:
        """Take out what nothing in the places with unread records can come before, in the order of time."""
        limit = min((self._clocks[place] for place in unread), default=None)
        parts = []
        for place, rows in self._held.items():
            end = len(rows) if limit is None else bisect_left(rows, limit, key=_time_of)
            parts.append(rows[:end])
            self._held[place] = rows[end:]
        return [body for _, body in heapq.merge(*parts, key=_time_of)]
