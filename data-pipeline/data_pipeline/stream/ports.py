"""What the stream needs of the outside: the log, and the stores of its state and position."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from data_pipeline.stream.plan import Offsets
from data_pipeline.stream.record_cache import RecordCache


class Ranges(Protocol):
    """Reads exact ranges of the log."""

    def read(self, ranges: Mapping[tuple[str, int], tuple[int, int]]) -> dict[tuple[str, int], list[Any]]:
        """Messages of each (topic, partition) from its first to before its last offset, in order.

        Raises OffsetLost where the log does not hold them any more, Unavailable.
        """
        ...


class Writer(Protocol):
    """Writes many records to the log."""

    def write(self, topic: str, keys: Sequence[bytes], values: Sequence[bytes]) -> None:
        """Queue records; blocks while the queue is full. Raises Unavailable."""
        ...

    def flush(self) -> None:
        """Return when the log has all that was written. Raises Unavailable, after which it must be written again."""
        ...


class Records(Protocol):
    """Records of the stream's state by key. All raise Unavailable."""

    def read(self, keys: Sequence[bytes]) -> list[bytes | None]:
        """The records, None where there is none."""
        ...

    def write(self, number: int, keys: Sequence[bytes], records: Sequence[bytes]) -> None:
        """Replace records for the plan of that number. Raises PlanLost where a later plan has written any."""
        ...


class CustomerRecords(Records, Protocol):
    """The customers' records."""

    def keys(self, customer_ids: Sequence[str]) -> list[bytes]:
        """Where they are."""
        ...


class EntityRecords(Records, Protocol):
    """The records of entities that customers share."""

    def keys(self, codes: NDArray[np.uint64], kinds: NDArray[np.uint8]) -> list[bytes]:
        """Where they are, by codes u8[k] and kinds u1[k]."""
        ...


class Exchange(Protocol):
    """What the shares of a plan hand to each other. All raise Unavailable."""

    def hand_over(self, stage: str, number: int, share: int, parts: Sequence[bytes]) -> None:
        """Leave a part for each share of the plan's work; parts[i] is for share i."""
        ...

    def take_over(self, stage: str, number: int, share: int, shares: int) -> list[bytes]:
        """What the other shares left for this one, in their order."""
        ...

    def drop(self, stages: Sequence[str], number: int, share: int, shares: int) -> None:
        """Forget what the share handed over: nobody will work the plan again."""
        ...


class PlanBook(Protocol):
    """The authority on where the stream is. All raise Unavailable."""

    def current(self) -> bytes | None:
        """Text of the last bound plan, None before the first."""
        ...

    def bind(self, held: tuple[int, str], number: int, owner: str, text: bytes) -> None:
        """Make the plan the current one if number and owner of the current one are `held` ((0, "") for none).

        Raises PlanLost where another runner has bound one since.
        """
        ...


class Plans(PlanBook, Protocol):
    """Likewise, and how far the shares of a plan have come. All raise Unavailable."""

    def check(self, number: int) -> None:
        """Raises PlanLost where a later plan is bound."""
        ...

    def claim(self, attempt: str, wanted: int, shares: int) -> int:
        """A share of the attempt that no other task of it has: `wanted` where it is free, -1 for no wish."""
        ...

    def mark(self, number: int, stage: str, share: int, shares: int) -> None:
        """Say that the share of the plan has come to the end of the stage."""
        ...

    def wait(self, number: int, stage: str, shares: int, timeout_s: float) -> None:
        """Return when all shares are marked. Raises PlanLost for a mark of a later plan."""
        ...


class Positions(Protocol):
    """What the log knows: how far the topics go, and how far this stream said it was. All raise Unavailable."""

    def ends(self) -> Offsets:
        """The offset behind the last record of every partition of every topic."""
        ...

    def starts(self) -> Offsets:
        """Where a stream without a plan begins."""
        ...

    def committed(self) -> Offsets | None:
        """How far this stream last said it was, None where it never did."""
        ...

    def commit(self, ends: Offsets) -> None:
        """Say how far it is: for tools that show lag, and to notice a lost state."""
        ...


@dataclass(frozen=True, slots=True)
class Ports:
    """The outside of a task, one connection each, kept between plans."""

    reader: Ranges
    writer: Writer
    customers: CustomerRecords
    entities: EntityRecords
    exchange: Exchange
    plans: Plans
    held: RecordCache
