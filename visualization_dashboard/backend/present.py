"""Domain objects into wire models, and page cursors. Pure."""

from __future__ import annotations

import base64
import binascii
import struct
from collections.abc import Mapping
from typing import Any, Final

from fraud_prevention.domain.case import Alert, Case, is_case_id, priority
from fraud_prevention.domain.reasons import analyst_text
from fraud_prevention.usecases.cases import Cursor, Customer, Dossier, Happening, Page
from fraud_prevention.usecases.timeline import describe
from visualization_dashboard.backend.problems import InvalidCursor
from visualization_dashboard.backend.schemas import (
    CaseAlert,
    CaseDetail,
    CasePage,
    CaseSummary,
    CustomerProfile,
    Reason,
    TimelineEntry,
    TimelineTransaction,
    Transaction,
)

_CURSOR: Final = struct.Struct(">d")
# Above any moment in ms that a database knows and any rank.
_KEY_LIMIT: Final = 1e14


def reason(code: str, features: Mapping[str, float]) -> Reason:
    """The code in an analyst's words, with the decision's own figures."""
    return Reason(code=code, text=analyst_text(code, features))


def summary(case: Case, now_ms: int) -> CaseSummary:
    return CaseSummary(**_summary_fields(case, now_ms))


def _summary_fields(case: Case, now_ms: int) -> dict[str, Any]:
    return {
        "case_id": case.case_id,
        "customer_id": case.customer_id,
        "status": case.status.value,
        "priority": round(priority(case, now_ms), 4),
        "opened_at": case.opened_at,
        "due_at": case.due_at,
        "alert_count": case.alert_count,
        "amount_at_risk_base_minor": case.amount_at_risk_base_minor,
        "expected_loss_base_minor": case.expected_loss_base_minor,
        "top_reason": reason(case.top_reason_code, case.top_reason_figures),
        "risk_score": case.risk_score,
        "verdict": case.verdict.value if case.verdict else None,
        "assigned_to": case.assigned_to,
        "locked_until": case.locked_until if (case.locked_until or 0) > now_ms else None,
        "closed_at": case.closed_at,
        "version": case.version,
    }


def page(found: Page, now_ms: int) -> CasePage:
    return CasePage(
        items=[summary(case, now_ms) for case in found.items],
        next_cursor=None if found.next is None else format_cursor(found.next),
        total=found.total,
    )


def detail(dossier: Dossier, now_ms: int) -> CaseDetail:
    return CaseDetail(
        **_summary_fields(dossier.case, now_ms),
        alerts=[_alert(a) for a in dossier.alerts],
        timeline=[_entry(h) for h in dossier.timeline],
        customer=_customer(dossier.customer),
    )


def transaction(payload: Mapping[str, Any]) -> Transaction:
    """The `transactions.v1` payload with absent options as null."""
    return Transaction(**{name: payload.get(name) for name in Transaction.model_fields})


def _alert(alert: Alert) -> CaseAlert:
    return CaseAlert(
        alert_id=alert.alert_id,
        event_time=alert.event_time,
        transaction=transaction(alert.transaction),
        outcome=alert.outcome,
        risk_score=alert.risk_score,
        probability=alert.probability,
        reasons=[reason(code, alert.features) for code in alert.reason_codes],
        rule_hits=list(alert.rule_hits),
        features=dict(alert.features),
        model_version=alert.model_version,
        policy_version=alert.policy_version,
    )


def _entry(happening: Happening) -> TimelineEntry:
    shown = None
    if happening.kind in {"decision", "alert"}:
        shown = TimelineTransaction(**{name: happening.data[name] for name in TimelineTransaction.model_fields})
    return TimelineEntry(
        at=happening.at,
        kind=happening.kind,
        actor=happening.actor,
        text=describe(happening),
        transaction=shown,
    )


def _customer(customer: Customer) -> CustomerProfile:
    return CustomerProfile(**{name: getattr(customer, name) for name in CustomerProfile.model_fields})


def format_cursor(cursor: Cursor) -> str:
    """Opaque to clients: the sort key and the case id, URL-safe."""
    return base64.urlsafe_b64encode(_CURSOR.pack(cursor.key) + cursor.case_id.encode()).decode().rstrip("=")


def parse_cursor(text: str | None) -> Cursor | None:
    """Raises InvalidCursor."""
    if text is None:
        return None
    try:
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        cursor = Cursor(float(_CURSOR.unpack(raw[: _CURSOR.size])[0]), raw[_CURSOR.size :].decode())
    except (binascii.Error, struct.error, ValueError) as error:
        raise InvalidCursor("is not a cursor of this API") from error
    if not abs(cursor.key) < _KEY_LIMIT or not is_case_id(cursor.case_id):
        raise InvalidCursor("is not a cursor of this API")
    return cursor
