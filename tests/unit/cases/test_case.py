"""The life of a case: grouping, order of the queue, reservation, verdict."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fraud_prevention.domain.case import (
    HOUR_MS,
    LOCK_MS,
    Alert,
    Case,
    CaseStatus,
    CaseVerdict,
    absorb,
    give_verdict,
    open_case,
    priority,
    queue_rank,
    reserve,
)
from fraud_prevention.domain.errors import CaseConflict
from fraud_prevention.usecases.labels import labels_of

NOW_MS = 1_760_000_000_000


def make_alert(number: int = 1, amount: int = 50_000, probability: float = 0.4, outcome: str = "review") -> Alert:
    return Alert(
        alert_id=f"al-{number}",
        transaction_id=f"tx-{number}",
        decision_version=1,
        customer_id="c1",
        event_time=NOW_MS,
        outcome=outcome,
        risk_score=0.9 + number / 1_000,
        probability=probability,
        reason_codes=("VELOCITY_BURST",),
        rule_hits=(),
        model_version="m",
        policy_version="p",
        decided_by="stream",
        transaction={"merchant_id": "m-1", "terminal_id": "t-1", "amount_base_minor": amount},
        features={"card_txn_count_5m": 7.0, "amount_base_minor": float(amount)},
    )


def make_case(*alerts: Alert, at_ms: int = NOW_MS) -> Case:
    first, *_ = alerts
    return absorb(open_case(first, at_ms), alerts, at_ms)


amounts = st.integers(0, 10_000_000)
moments = st.integers(NOW_MS, NOW_MS + 72 * HOUR_MS)


def test_case_adds_up_its_alerts_and_keeps_the_worst_reason() -> None:
    case = make_case(make_alert(1), make_alert(2, amount=10_000, probability=0.5))
    assert (case.alert_count, case.version) == (2, 2)
    assert case.amount_at_risk_base_minor == 60_000
    assert case.expected_loss_base_minor == 25_000
    assert case.risk_score == pytest.approx(0.902)
    assert case.top_reason_figures == {"card_txn_count_5m": 7.0}


def test_top_reason_says_what_is_unusual_before_it_names_a_score() -> None:
    alert = make_alert()
    assert replace(alert, reason_codes=("SCORE_HIGH", "NEW_DEVICE")).top_reason_code == "NEW_DEVICE"
    assert replace(alert, reason_codes=("SCORE_EXTREME", "SCORE_HIGH")).top_reason_code == "SCORE_EXTREME"
    assert replace(alert, reason_codes=()).top_reason_code == "SCORE_HIGH"


def test_payment_that_waits_makes_a_case_due_sooner() -> None:
    declined = make_case(make_alert(1, outcome="decline"))
    joined = absorb(declined, [make_alert(2, outcome="review")], NOW_MS + HOUR_MS)
    assert declined.due_at == NOW_MS + 24 * HOUR_MS
    assert joined.due_at == NOW_MS + 5 * HOUR_MS


@given(amounts, amounts, moments, moments, moments)
def test_order_of_two_cases_never_changes_by_waiting(a: int, b: int, opened_a: int, opened_b: int, later: int) -> None:
    first = make_case(make_alert(1, amount=a), at_ms=opened_a)
    second = make_case(make_alert(2, amount=b), at_ms=opened_b)
    if queue_rank(first) >= queue_rank(second):
        assert priority(first, later) >= priority(second, later)
    else:
        assert priority(first, later) <= priority(second, later)


@given(amounts, moments)
def test_priority_is_a_share_and_grows_with_time(amount: int, later: int) -> None:
    case = make_case(make_alert(1, amount=amount))
    assert 0.0 <= priority(case, NOW_MS) <= priority(case, later) <= 1.0


def test_greater_expected_loss_goes_first() -> None:
    small, large = make_case(make_alert(1, amount=1_000)), make_case(make_alert(2, amount=100_000))
    assert queue_rank(large) > queue_rank(small)


def test_reserved_case_is_nobody_elses_until_the_lock_runs_out() -> None:
    case = reserve(make_case(make_alert()), "ann", NOW_MS)
    with pytest.raises(CaseConflict, match="ann"):
        reserve(case, "bob", NOW_MS + LOCK_MS - 1)
    assert reserve(case, "ann", NOW_MS + 1).assigned_to == "ann"
    assert reserve(case, "bob", NOW_MS + LOCK_MS).assigned_to == "bob"


def test_verdict_closes_the_case_once() -> None:
    case = make_case(make_alert())
    closed = give_verdict(case, CaseVerdict.FRAUD, "ann", case.version, NOW_MS)
    assert (closed.status, closed.verdict, closed.closed_by) == (CaseStatus.CLOSED, CaseVerdict.FRAUD, "ann")
    with pytest.raises(CaseConflict, match="closed already"):
        give_verdict(closed, CaseVerdict.LEGITIMATE, "ann", closed.version, NOW_MS)
    with pytest.raises(CaseConflict, match="closed"):
        absorb(closed, [make_alert(2)], NOW_MS)


def test_verdict_about_an_older_version_is_refused() -> None:
    case = make_case(make_alert())
    grown = absorb(case, [make_alert(2)], NOW_MS)
    with pytest.raises(CaseConflict, match="has changed"):
        give_verdict(grown, CaseVerdict.FRAUD, "ann", case.version, NOW_MS)


def test_verdict_on_a_case_that_somebody_else_reserved_is_refused() -> None:
    case = reserve(make_case(make_alert()), "ann", NOW_MS)
    with pytest.raises(CaseConflict, match="ann"):
        give_verdict(case, CaseVerdict.FRAUD, "bob", case.version, NOW_MS)


def test_each_transaction_of_a_case_gets_one_label() -> None:
    alerts = [make_alert(1), replace(make_alert(2), transaction={"merchant_id": "m-2", "amount_base_minor": 1})]
    case = make_case(*alerts)
    labels = labels_of(case, alerts, CaseVerdict.FRAUD, NOW_MS)
    assert [label.transaction_id for label in labels] == ["tx-1", "tx-2"]
    assert all(label.is_fraud and label.source == "officer" for label in labels)
    assert labels[0].to_wire()["terminal_id"] == "t-1"
    assert "terminal_id" not in labels[1].to_wire()
    assert labels == labels_of(case, alerts, CaseVerdict.FRAUD, NOW_MS)
