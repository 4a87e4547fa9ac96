"""A case: the stopped transactions of one customer that one officer judges together. Standard library only.

Life cycle: an alert opens a case or joins the customer's open one; an officer opens it (which reserves it for a
while), and gives one verdict, which closes it. Every change of what an officer would judge raises `version`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from hashlib import sha256
from typing import Any, Final

from fraud_prevention.domain.errors import CaseConflict
from fraud_prevention.domain.reasons import REASONS

MINUTE_MS: Final = 60_000
HOUR_MS: Final = 60 * MINUTE_MS
# Time left to the officer. A payment under review or a challenge waits for someone; a declined one does not.
TIME_TO_ACT_MS: Final[Mapping[str, int]] = {"challenge": 4 * HOUR_MS, "review": 4 * HOUR_MS, "decline": 24 * HOUR_MS}
# A case weighs e times as much for each such span that its due time is nearer.
URGENCY_SPAN_MS: Final = 2 * HOUR_MS
# Expected loss at which a case that is due at this moment has priority one half.
HALF_PRIORITY_LOSS_BASE_MINOR: Final = 50_000
LOCK_MS: Final = 10 * MINUTE_MS
# Officers err; training weighs their labels by this.
OFFICER_CONFIDENCE: Final = 0.95
_CASE_ID: Final = re.compile(r"cs-[0-9a-f]{16}")


class CaseStatus(StrEnum):
    OPEN = "open"
    CLOSED = "closed"


class CaseVerdict(StrEnum):
    FRAUD = "fraud"
    LEGITIMATE = "legitimate"


class CaseEventKind(StrEnum):
    """What happened to a case; the kinds of `case-events.v1`."""

    OPENED = "opened"
    ALERT_ADDED = "alert_added"
    VIEWED = "viewed"
    ASSIGNED = "assigned"
    VERDICT = "verdict"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Alert:
    """One stopped transaction, in the words of `alerts.v1`. `transaction` is its `transactions.v1` payload."""

    alert_id: str
    transaction_id: str
    decision_version: int
    customer_id: str
    event_time: int  # ms
    outcome: str
    risk_score: float
    probability: float
    reason_codes: tuple[str, ...]
    rule_hits: tuple[str, ...]
    model_version: str
    policy_version: str
    decided_by: str
    transaction: Mapping[str, Any]
    features: Mapping[str, float]

    @property
    def amount_base_minor(self) -> int:
        return int(self.transaction["amount_base_minor"])

    @property
    def expected_loss_base_minor(self) -> int:
        return round(self.probability * self.amount_base_minor)

    @property
    def top_reason_code(self) -> str:
        """The first reason that says what is unusual, as policies order them; else the score that stopped it.

        A score tells an officer only that something is unusual, and every second case would have the same reason.
        """
        specific = (code for code in self.reason_codes if code in REASONS and REASONS[code].origin != "score")
        return next(specific, self.reason_codes[0] if self.reason_codes else "SCORE_HIGH")

    @property
    def top_reason_figures(self) -> Mapping[str, float]:
        reason = REASONS.get(self.top_reason_code)
        names = () if reason is None else reason.placeholders
        return {name: self.features[name] for name in names if name in self.features}


@dataclass(frozen=True, slots=True)
class Case:
    """Times are ms since 1970; amounts are minor units of the base currency."""

    case_id: str
    customer_id: str
    status: CaseStatus
    opened_at: int
    due_at: int
    alert_count: int
    amount_at_risk_base_minor: int
    expected_loss_base_minor: int
    top_reason_code: str
    top_reason_figures: Mapping[str, float]  # the features that the reason's text quotes
    risk_score: float
    verdict: CaseVerdict | None
    assigned_to: str | None
    locked_until: int | None
    closed_at: int | None
    closed_by: str | None
    version: int

    def is_locked_for(self, officer: str, now_ms: int) -> bool:
        """Somebody else has the case on the screen."""
        return self.assigned_to not in (None, officer) and (self.locked_until or 0) > now_ms


@dataclass(frozen=True, slots=True)
class CaseEvent:
    """One line of the case's history, in the words of `case-events.v1`."""

    event_id: str
    case_id: str
    customer_id: str
    kind: CaseEventKind
    actor: str
    at: int  # ms
    data: Mapping[str, Any]

    def to_wire(self) -> dict[str, Any]:
        return {
            "event_id": self.event_id,
            "case_id": self.case_id,
            "customer_id": self.customer_id,
            "kind": self.kind.value,
            "actor": self.actor,
            "at": self.at,
            "data": dict(self.data),
        }


def case_id_for(first_alert_id: str) -> str:
    """A case's id follows from the alert that opened it, so that a repeated batch opens the same case."""
    return "cs-" + sha256(first_alert_id.encode()).hexdigest()[:16]


def is_case_id(text: str) -> bool:
    """Whether a text from outside can be the id of a case at all."""
    return _CASE_ID.fullmatch(text) is not None


def event_id_for(case_id: str, kind: CaseEventKind, key: str) -> str:
    """Derived from what happened, so that a repeated batch writes the same event."""
    return "ce-" + sha256(f"{case_id}|{kind.value}|{key}".encode()).hexdigest()[:24]


def open_case(alert: Alert, now_ms: int) -> Case:
    """A case without alerts, ready to absorb this one; its version counts from 0 until then."""
    return Case(
        case_id=case_id_for(alert.alert_id),
        customer_id=alert.customer_id,
        status=CaseStatus.OPEN,
        opened_at=now_ms,
        due_at=now_ms + TIME_TO_ACT_MS[alert.outcome],
        alert_count=0,
        amount_at_risk_base_minor=0,
        expected_loss_base_minor=0,
        top_reason_code=alert.top_reason_code,
        top_reason_figures=alert.top_reason_figures,
        risk_score=0.0,
        verdict=None,
        assigned_to=None,
        locked_until=None,
        closed_at=None,
        closed_by=None,
        version=0,
    )


def absorb(case: Case, alerts: Sequence[Alert], now_ms: int) -> Case:
    """The case after more alerts of its customer, in log order.

    Raises CaseConflict where the case is closed: its verdict was given without these alerts.
    """
    if case.status is not CaseStatus.OPEN:
        raise CaseConflict(case.case_id, "is closed, an alert cannot join it")
    if not alerts:
        return case
    worst = max(alerts, key=lambda a: a.risk_score)
    is_worse = worst.risk_score > case.risk_score
    return replace(
        case,
        due_at=min([case.due_at, *(now_ms + TIME_TO_ACT_MS[a.outcome] for a in alerts)]),
        alert_count=case.alert_count + len(alerts),
        amount_at_risk_base_minor=case.amount_at_risk_base_minor + sum(a.amount_base_minor for a in alerts),
        expected_loss_base_minor=case.expected_loss_base_minor + sum(a.expected_loss_base_minor for a in alerts),
        top_reason_code=worst.top_reason_code if is_worse else case.top_reason_code,
        top_reason_figures=worst.top_reason_figures if is_worse else case.top_reason_figures,
        risk_score=max(case.risk_score, worst.risk_score),
        version=case.version + len(alerts),
    )


def queue_rank(case: Case) -> float:
    """Place in the queue, greater first: ln(expected loss) plus urgency.

    Urgency grows by the same factor for every case as time goes by, so the order of two cases never changes by
    waiting; that is why the rank can be stored, indexed and paged through.
    """
    return math.log1p(case.expected_loss_base_minor) - case.due_at / URGENCY_SPAN_MS


def priority(case: Case, now_ms: int) -> float:
    """0 to 1, in the same order as `queue_rank`: expected loss weighed by the time left."""
    weight = queue_rank(case) + now_ms / URGENCY_SPAN_MS - math.log1p(HALF_PRIORITY_LOSS_BASE_MINOR)
    return 1.0 / (1.0 + math.exp(-max(-60.0, min(60.0, weight))))


def reserve(case: Case, officer: str, now_ms: int) -> Case:
    """The officer has the case on the screen; nobody else is offered it until the lock runs out.

    Raises CaseConflict where the case is closed or somebody else holds it.
    """
    if case.status is not CaseStatus.OPEN:
        raise CaseConflict(case.case_id, "is closed")
    if case.is_locked_for(officer, now_ms):
        raise CaseConflict(case.case_id, f"is being worked on by {case.assigned_to}")
    return replace(case, assigned_to=officer, locked_until=now_ms + LOCK_MS)


def give_verdict(case: Case, verdict: CaseVerdict, officer: str, seen_version: int, now_ms: int) -> Case:
    """The closed case. Raises CaseConflict where it is closed, changed since it was read, or somebody else's."""
    if case.status is not CaseStatus.OPEN:
        raise CaseConflict(case.case_id, f"is closed already, as {case.verdict}")
    if case.version != seen_version:
        raise CaseConflict(case.case_id, f"has changed: version {case.version}, judged was {seen_version}")
    if case.is_locked_for(officer, now_ms):
        raise CaseConflict(case.case_id, f"is being worked on by {case.assigned_to}")
    return replace(
        case,
        status=CaseStatus.CLOSED,
        verdict=verdict,
        assigned_to=officer,
        locked_until=None,
        closed_at=now_ms,
        closed_by=officer,
        version=case.version + 1,
    )
