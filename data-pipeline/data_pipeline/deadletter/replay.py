"""Puts repaired records back where they came from, once they keep their contract."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from data_pipeline.deadletter.letters import Letter, original, remaining_errors
from fraud_prevention.domain.errors import FieldError
from fraud_prevention.ports import EventLog, EventReader

FLUSH_S: Final = 30.0


@dataclass(frozen=True, slots=True)
class Refused:
    """A letter whose body still breaks the contract."""

    letter: Letter
    errors: tuple[FieldError, ...]


@dataclass(frozen=True, slots=True)
class Replayed:
    """What became of the letters."""

    sent: int
    refused: tuple[Refused, ...]
    undelivered: int


def replay(
    reader: EventReader, log: EventLog, chosen: Sequence[Letter], repaired: bytes | None, is_dry: bool = False
) -> Replayed:
    """Send each letter's body to its input topic if it keeps the contract now.

    `repaired` takes the place of the body (of one letter only, else ValueError); without it the refused record is
    sent as it was, which helps where the contract has changed since. The body is compared with the contract first,
    so that a replay never makes a dead letter of a dead letter. Ids are idempotent: a second replay changes nothing.
    """
    if repaired is not None and len(chosen) != 1:
        raise ValueError("a repaired body belongs to exactly one letter")
    refused: list[Refused] = []
    sent = 0
    for letter in chosen:
        body = repaired if repaired is not None else original(reader, letter).value or b""
        payload, errors = remaining_errors(letter, body)
        if errors or payload is None:
            refused.append(Refused(letter, tuple(errors)))
            continue
        if not is_dry:
            log.publish(letter.topic, str(payload["customer_id"]).encode(), body)
        sent += 1
    return Replayed(sent, tuple(refused), 0 if is_dry else log.flush(FLUSH_S))
