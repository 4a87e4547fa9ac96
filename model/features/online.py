"""The decision API's caller: a batch of one on top of the records and the entries the stream has not seen yet."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fraud_prevention.domain.transaction import Transaction
from fraud_prevention.ports import CustomerState, FeatureVector, FloatArray, IntArray
from model.features.catalogue import CATALOGUE_VERSION, FEATURE_NAMES, SHARED
from model.features.codes import encode, entity_codes_of
from model.features.engine import compute_online
from model.features.entities import engine as shared
from model.features.entry import amount_of
from model.features.record import ENTRY, HEADER, PENDING_OFFSET, Entries


def pending_entry(transaction: Transaction) -> bytes:
    """The event as it waits in the pending list."""
    return encode(transaction, PENDING_OFFSET).tobytes()


def record_version(record: bytes | None) -> int:
    """Last log offset that the record holds, -1 without a record."""
    return int(np.frombuffer(record, HEADER, 1)["last_offset"][0]) if record else -1


class OnlineKernel:
    """`ports.FeatureKernel` on the one compiled kernel."""

    names = FEATURE_NAMES
    catalogue_version = CATALOGUE_VERSION

    def compute_one(self, transaction: Transaction, state: CustomerState) -> FeatureVector:
        """The vector as if the pending entries were in the log already and this transaction came next.

        A pending entry counts until its id is in the record. The transaction's own id never counts, so a retry
        after a crash sees what the first attempt saw. Raises StateCorrupt for bytes that are no record.
        """
        own = encode(transaction, PENDING_OFFSET)
        own_id = own["transaction"][0]
        record = state.record
        held = np.frombuffer(record, ENTRY, offset=HEADER.itemsize) if record else np.zeros(0, ENTRY)
        waiting = np.frombuffer(b"".join(state.pending), ENTRY)
        is_absorbed = np.isin(waiting["transaction"], held["transaction"])
        ahead = waiting[~is_absorbed & (waiting["transaction"] != own_id)]
        if record is not None and (held["transaction"] == own_id).any():
            record = _without(record, own_id)
        vectors = compute_online(np.concatenate([ahead, own]), transaction.customer_id, record).vectors[-1:]
        absorbed = tuple(p for p, gone in zip(state.pending, is_absorbed.tolist(), strict=True) if gone)
        versions = _fill_shared(transaction, own, state.shared, vectors)
        return FeatureVector(vectors[0], absorbed, versions)

    def without_state(self, transaction: Transaction) -> FloatArray:
        """The vector of a customer nobody has seen: what is left when the store is away."""
        vector: FloatArray = compute_online(encode(transaction, PENDING_OFFSET), transaction.customer_id, None).vectors[
            0
        ]
        return vector


def _fill_shared(
    transaction: Transaction, own: Entries, records: Sequence[bytes | None], vectors: FloatArray
) -> IntArray:
    """Write the shared entities' features of the one event; returns the versions of their records."""
    return shared.compute_ahead(
        np.array(entity_codes_of(transaction), np.uint64),
        transaction.event_time,
        int(amount_of(own[0])),
        records,
        vectors[0, SHARED],
    )


def _without(record: bytes, transaction: np.uint64) -> bytes:
    """The record as it was before it took the transaction in."""
    header = np.frombuffer(bytearray(record[: HEADER.itemsize]), HEADER)
    entries = np.frombuffer(record, ENTRY, offset=HEADER.itemsize)
    kept = entries[entries["transaction"] != transaction]
    header["count"] = len(kept)
    header["total"] -= len(entries) - len(kept)
    return bytes(header.tobytes() + kept.tobytes())
