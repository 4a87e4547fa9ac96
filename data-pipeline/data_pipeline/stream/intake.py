"""Messages of `transactions.v1` to what features, rules and decisions need; what is no transaction, with its reasons.

A compiled scan reads every body (see `scan`). What it doubts goes through `decode_transaction`, the parser of the API,
which finds the reasons or clears the record; what was cleared is written anew in the plain form and scanned again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import orjson
from numpy.typing import NDArray

from data_pipeline.stream.scan import INTEGERS, PLACE, scan
from data_pipeline.stream.scanned import Scan
from data_pipeline.stream.texts import Places, decoded, distinct
from fraud_prevention.domain.errors import FieldError, InvalidTransaction
from fraud_prevention.domain.transaction import TimeBounds, Transaction
from fraud_prevention.policy import assemble
from fraud_prevention.policy.assemble import Payments
from fraud_prevention.policy.expressions import Coded, Column, Kind
from fraud_prevention.policy.json_rows import Texts
from fraud_prevention.policy.vocabulary import TRANSACTION_KINDS
from fraud_prevention.usecases.intake import decode_transaction
from model.features.codes import encode

_ALL_CHECKED: Final = TimeBounds(0, 0, is_enforced=False)


@dataclass(frozen=True, slots=True)
class Rejected:
    """A record that is no transaction: its place among the messages, and why."""

    place: int
    errors: list[FieldError]


@dataclass(frozen=True, slots=True)
class Intake:
    """The good rows, and what was rejected.

    places:     i4[n] among the messages.
    partitions: i4[n]; ingested_at i8[n], ms since 1970.
    found:      what the scan says of the n rows.
    rewritten:  whole payloads by row, where the one that was sent is not used.
    """

    places: NDArray[np.int32]
    partitions: NDArray[np.int32]
    ingested_at: Places
    found: Scan
    rewritten: Mapping[int, bytes]
    rejected: list[Rejected]

    def __len__(self) -> int:
        return len(self.places)

    @property
    def events(self) -> NDArray[np.void]:
        """ENTRY[n]."""
        return self.found.events

    @property
    def customers(self) -> NDArray[np.uint64]:
        """Codes u8[n]."""
        return self.found.customers

    @property
    def entities(self) -> NDArray[np.uint64]:
        """Codes u8[n, kinds], 0 for none."""
        return self.found.entities

    @property
    def is_decided(self) -> NDArray[np.bool_]:
        """Whether the API has decided it: bool[n]."""
        return self.found.ends[:, PLACE["decided_by"]] > 0

    def customer_ids(self, rows: NDArray[np.integer[Any]]) -> list[str]:
        column = PLACE["customer_id"]
        text = self.found.text
        starts, ends = self.found.starts[rows, column].tolist(), self.found.ends[rows, column].tolist()
        return [text[start:end].decode() for start, end in zip(starts, ends, strict=True)]

    def payments(self, rows: NDArray[np.integer[Any]]) -> Payments:
        """What the log's records of some rows repeat."""
        found = self.found
        bodies = found.bodies[rows]
        first, last = (int(bodies.min()), int(bodies.max())) if len(bodies) else (0, 0)
        data = found.data[first:last]  # of these rows, which lie together
        starts, ends = found.starts[rows] - first, found.ends[rows] - first
        return Payments(
            {name: Texts(data, starts[:, PLACE[name]], ends[:, PLACE[name]], is_plain=True) for name in assemble.TEXTS},
            {name: found.integers[rows, INTEGERS.index(name)] for name in assemble.INTEGERS},
            lambda row: self._wire(int(rows[row])),
        )

    def columns(self, names: Sequence[str], rows: NDArray[np.integer[Any]]) -> dict[str, Column]:
        """The named columns of some rows, as `evaluate` wants them: each distinct text once."""
        found = self.found
        columns: dict[str, Column] = {}
        for name in names:
            if TRANSACTION_KINDS[name] is Kind.TEXT:
                starts, ends = found.starts[rows, PLACE[name]], found.ends[rows, PLACE[name]]
                codes, firsts = distinct(found.data, starts, ends)
                places = zip(starts[firsts].tolist(), ends[firsts].tolist(), strict=True)
                columns[name] = Coded([decoded(found.text, start, end) for start, end in places], codes)
            else:
                columns[name] = found.integers[rows, INTEGERS.index(name)].astype(np.float64)
        return columns

    def _wire(self, row: int) -> bytes:
        start, end = self.found.bodies[row].tolist()
        return self.rewritten.get(row) or self.found.text[start:end]


def take_in(messages: Sequence[Any], bounds: TimeBounds) -> Intake:
    """Split messages into transactions, in their order, and rejected ones. Time bounds are relative to the ingest time."""
    bodies: list[bytes | None] = [m.value() for m in messages]
    offsets = np.array([m.offset() for m in messages], np.int64)
    partitions = np.array([m.partition() for m in messages], np.int32)
    ingested_at = np.array([m.timestamp()[1] for m in messages], np.int64)
    found = scan(bodies, offsets, ingested_at, bounds)
    doubtful = np.flatnonzero(~found.is_good).tolist()
    cleared: dict[int, Transaction] = {}
    rejected: list[Rejected] = []
    for place in doubtful:
        try:
            cleared[place] = decode_transaction(bodies[place], int(ingested_at[place]), bounds)
        except InvalidTransaction as error:
            rejected.append(Rejected(place, error.errors))
    if cleared:
        found = _with_rows(found, cleared, offsets)
    places = np.flatnonzero(found.is_good)
    if rejected:
        found, partitions, ingested_at = found.rows(places), partitions[places], ingested_at[places]
    rows = np.searchsorted(places, list(cleared)).tolist()
    rewritten = {row: orjson.dumps(t.to_wire()) for row, t in zip(rows, cleared.values(), strict=True)}
    return Intake(places.astype(np.int32), partitions, ingested_at, found, rewritten, rejected)


def _with_rows(found: Scan, cleared: Mapping[int, Transaction], offsets: Places) -> Scan:
    """The scan with some of its rows taken from transactions."""
    places = np.array(list(cleared))
    # Numbers with fractions are not scanned again: there are doubtful ways to write them in any form.
    bodies = [
        orjson.dumps({name: value for name, value in t.to_wire().items() if name not in ("lat", "lon")})
        for t in cleared.values()
    ]
    again = scan(bodies, offsets[places], np.zeros(len(places), np.int64), _ALL_CHECKED)
    assert again.is_good.all(), "a transaction in the plain form is plain"
    for row, (place, transaction) in enumerate(cleared.items()):
        again.events[row] = encode(transaction, int(offsets[place]))[0]
    return found.replaced(places, again)
