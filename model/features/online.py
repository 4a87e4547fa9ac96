"""The decision API's caller: a batch of one on top of the record and the entries the stream has not seen yet."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fraud_prevention.domain.transaction import Transaction
from model.features.codes import encode
from model.features.engine import compute_online
from model.features.record import ENTRY, HEADER, PENDING_OFFSET


@dataclass(frozen=True, slots=True)
class CustomerState:
    """What the store returned in one atomic read: the record, and the pending entries accepted before this event."""

    record: bytes | None
    pending: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class Online:
    """vector f8[F]; version: last log offset the record held; absorbed: pending entries that the record has by now."""

    vector: NDArray[np.float64]
    version: int
    absorbed: tuple[bytes, ...]


def pending_entry(transaction: Transaction) -> bytes:
    """The event as it waits in the pending list."""
    return encode(transaction, PENDING_OFFSET).tobytes()


def compute_one(transaction: Transaction, state: CustomerState) -> Online:
    """The vector of one transaction, as if the pending entries were in the log already and this one came next.

    A pending entry counts until its id is in the record. The transaction's own id never counts, so a retry
    after a crash sees what the first attempt saw. Raises StateCorrupt for bytes that are no record.
    """
    own = encode(transaction, PENDING_OFFSET)
    held = np.frombuffer(state.record or b"", ENTRY, offset=HEADER.itemsize if state.record else 0)
    version = int(np.frombuffer(state.record, HEADER, 1)["last_offset"][0]) if state.record else -1
    waiting = np.frombuffer(b"".join(state.pending), ENTRY)
    is_absorbed = np.isin(waiting["transaction"], held["transaction"])
    absorbed = tuple(p for p, gone in zip(state.pending, is_absorbed.tolist(), strict=True) if gone)
    ahead = waiting[~is_absorbed & (waiting["transaction"] != own["transaction"][0])]
    record = state.record
    if record is not None and (held["transaction"] == own["transaction"][0]).any():
        record = _without(record, int(own["transaction"][0]))
    events = np.concatenate([ahead, own])
    return Online(compute_online(events, transaction.customer_id, record).vectors[-1], version, absorbed)


def _without(record: bytes, transaction: int) -> bytes:
    """The record as it was before it took the transaction in."""
    header = np.frombuffer(bytearray(record[: HEADER.itemsize]), HEADER)
    entries = np.frombuffer(record, ENTRY, offset=HEADER.itemsize)
    kept = entries[entries["transaction"] != transaction]
    header["count"] = len(kept)
    header["total"] -= len(entries) - len(kept)
    return header.tobytes() + kept.tobytes()
