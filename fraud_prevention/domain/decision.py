"""What was decided about a transaction. Standard library only."""

from __future__ import annotations

from enum import IntEnum
from hashlib import sha256
from typing import Final


class Outcome(IntEnum):
    """Severity order: where a rule and the score disagree, the greater one wins."""

    APPROVE = 0
    CHALLENGE = 1
    REVIEW = 2
    DECLINE = 3

    @property
    def wire(self) -> str:
        return self.name.lower()

    @property
    def is_stopped(self) -> bool:
        """Anything but approve: the payment waits for someone or ends."""
        return self is not Outcome.APPROVE


OUTCOMES: Final = tuple(o.wire for o in Outcome)
DECISION_VERSION: Final = 1


def alert_id(transaction_id: str, decision_version: int) -> str:
    """An alert's id follows from its decision, so that a repeated decision is the same alert."""
    return "al-" + sha256(f"{transaction_id}|{decision_version}".encode()).hexdigest()[:24]
