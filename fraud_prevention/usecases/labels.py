"""An officer's verdict becomes one label for each transaction that was judged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

from fraud_prevention.domain.case import OFFICER_CONFIDENCE, Alert, Case, CaseVerdict

OFFICER: Final = "officer"


@dataclass(frozen=True, slots=True)
class Label:
    """The truth about a transaction as one source sees it, in the words of `labels.v1`."""

    label_id: str
    transaction_id: str
    customer_id: str
    merchant_id: str
    terminal_id: str | None
    event_time: int  # ms, of the transaction
    is_fraud: bool
    source: str
    observed_at: int  # ms: features and training use the label only from here on
    confidence: float

    def to_wire(self) -> dict[str, Any]:
        """The payload; an absent terminal is left out."""
        payload: dict[str, Any] = {name: getattr(self, name) for name in self.__slots__}
        if self.terminal_id is None:
            del payload["terminal_id"]
        return payload


def labels_of(case: Case, alerts: Sequence[Alert], verdict: CaseVerdict, observed_at: int) -> list[Label]:
    """One label per transaction; ids follow from case and transaction, so that a repeated send is one label."""
    return [
        Label(
            label_id="lb-" + sha256(f"{OFFICER}|{case.case_id}|{alert.transaction_id}".encode()).hexdigest()[:24],
            transaction_id=alert.transaction_id,
            customer_id=alert.customer_id,
            merchant_id=str(alert.transaction["merchant_id"]),
            terminal_id=alert.transaction.get("terminal_id"),
            event_time=alert.event_time,
            is_fraud=verdict is CaseVerdict.FRAUD,
            source=OFFICER,
            observed_at=observed_at,
            confidence=OFFICER_CONFIDENCE,
        )
        for alert in alerts
    ]
