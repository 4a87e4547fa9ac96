"""Whether a body would be let in now: asked of the code that refused it, so that no replay makes a second letter."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import orjson

from data_pipeline.deadletter.letters import Letter
from fraud_prevention.domain.errors import FieldError, InvalidTransaction
from fraud_prevention.domain.topics import TRANSACTIONS
from fraud_prevention.domain.transaction import TimeBounds
from fraud_prevention.ports import Record
from fraud_prevention.usecases.intake import decode_transaction
from storage_security.sink.rows import to_batch

_SAME_ID: Final = FieldError("transaction_id", "duplicate_id", "was used before with another content: give it another")
_NOT_QUOTED: Final = FieldError(
    "$", "missing", "was empty, or above 1 MB and is not in the letter: give a repaired record"
)


@dataclass(frozen=True, slots=True)
class Gate:
    """The bounds of the stream, and the clock that they are relative to."""

    bounds: TimeBounds
    now_ms: Callable[[], int]

    def errors(self, letter: Letter, body: bytes | None) -> list[FieldError]:
        """What would be refused in `body` on the letter's topic; [] where nothing would."""
        if body is None:
            return [_NOT_QUOTED]
        if letter.topic != TRANSACTIONS:
            return self._errors_at_the_sink(letter, body)
        try:
            transaction = decode_transaction(body, self.now_ms(), self.bounds)
        except InvalidTransaction as refused:
            return refused.errors
        is_taken = letter.reason == _SAME_ID.code and transaction.transaction_id == _id_of(letter)
        return [_SAME_ID] if is_taken else []

    def _errors_at_the_sink(self, letter: Letter, body: bytes) -> list[FieldError]:
        record = Record(letter.topic, letter.partition, letter.offset, None, body, self.now_ms())
        return [error for bad in to_batch([record]).bad for error in bad.errors]


def _id_of(letter: Letter) -> str | None:
    """A letter about a duplicate quotes a record that was otherwise good."""
    found = None if letter.body is None else orjson.loads(letter.body).get("transaction_id")
    return found if isinstance(found, str) else None
