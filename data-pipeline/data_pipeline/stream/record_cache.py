"""Records that a process keeps in its memory from one plan to the next, because nobody else can have written them.

A share of a plan owns its customers and entities. If the same process did the same share of the plan before, for the
same runner, then what it wrote is what the store holds: a plan is bound only where the one before is the current one,
and what a repeated or late task of that one may have written since is the same, byte for byte.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Final

from data_pipeline.stream.plan import Plan

_OVERHEAD_BYTES: Final = 200  # of a key, a record's object and its place in the dictionary, about


class RecordCache:
    """The records written last, at most `limit_bytes` of them."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self._size_bytes = 0
        self._records: OrderedDict[bytes, bytes] = OrderedDict()  # the one written longest ago first
        self._valid_for: tuple[str, int, int, int] | None = None

    def open(self, plan: Plan, share: int, shares: int) -> None:
        """A task begins: forget everything unless it goes on where this process ended. Holds nothing good until `close`."""
        if self._valid_for != (plan.owner, plan.number, share, shares):
            self._records = OrderedDict()
            self._size_bytes = 0
        self._valid_for = None

    def close(self, plan: Plan, share: int, shares: int) -> None:
        """All that the task changes has been written and put."""
        self._valid_for = (plan.owner, plan.number + 1, share, shares)

    def read(self, keys: Sequence[bytes], fetch: Callable[[Sequence[bytes]], list[bytes | None]]) -> list[bytes | None]:
        """The records; what is not held is fetched."""
        found = list(map(self._records.get, keys))
        missing = [place for place, record in enumerate(found) if record is None]
        if missing:
            fetched = fetch([keys[place] for place in missing])
            for place, record in zip(missing, fetched, strict=True):
                found[place] = record
        return found

    def put(self, keys: Sequence[bytes], records: Sequence[bytes]) -> None:
        """Hold what has been written; what was written longest ago makes room."""
        held = self._records
        for key, record in zip(keys, records, strict=True):
            before = held.pop(key, None)
            self._size_bytes += len(record) - (-_OVERHEAD_BYTES if before is None else len(before))
            held[key] = record
        while self._size_bytes > self._limit_bytes:
            _, record = held.popitem(last=False)
            self._size_bytes -= len(record) + _OVERHEAD_BYTES
