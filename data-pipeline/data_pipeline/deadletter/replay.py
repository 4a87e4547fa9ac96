"""Puts refused records back where they came from, once they would be let in."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

import orjson

from data_pipeline.deadletter.gate import Gate
from data_pipeline.deadletter.letters import Letter
from data_pipeline.produce.delivery import Delivery
from fraud_prevention.domain.errors import FieldError, Unavailable
from fraud_prevention.ports import EventLog

FLUSH_S: Final = 30.0
OnRefused = Callable[[Letter, list[FieldError]], None]


@dataclass(frozen=True, slots=True)
class Replayed:
    """What became of the letters, each counted once; where `failure` says why, those after them were not tried."""

    sent: int
    refused: int
    undelivered: int
    failure: str | None


def replay(
    log: EventLog,
    chosen: Iterable[tuple[Letter, bytes | None]],
    gate: Gate,
    on_refused: OnRefused,
    is_dry: bool = False,
) -> Replayed:
    """Send the body beside each letter to the letter's topic, if the gate lets it in; else tell `on_refused` why not.

    The body is the letter's own, which helps where the bounds or the contract have changed since, or a repaired one.
    Ids are idempotent: a second replay changes nothing. Never raises for a log that is away: the result says so.
    """
    delivery = Delivery(log)
    accepted = refused = 0
    failure = None
    try:
        for letter, body in chosen:
            errors = gate.errors(letter, body)
            if errors or body is None:
                refused += 1
                on_refused(letter, errors)
                continue
            accepted += 1
            if not is_dry:
                delivery.send(letter.topic, str(orjson.loads(body)["customer_id"]).encode(), body)
    except Unavailable as error:
        failure = str(error)
    undelivered = delivery.finish(FLUSH_S)
    return Replayed(accepted - undelivered, refused, undelivered, failure or delivery.failure)
