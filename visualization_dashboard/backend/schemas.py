"""What the dashboard API says on the wire; the TypeScript client is generated from these models.

Times are ms since 1970-01-01 UTC, amounts are minor units (`_base_minor`: of the base currency). Response fields
have no defaults, so that the contract marks every one of them as always present.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

OutcomeName = Literal["approve", "challenge", "review", "decline"]
VerdictName = Literal["fraud", "legitimate"]
CaseStatusName = Literal["open", "closed"]
TimelineKind = Literal["decision", "alert", "customer_event", "authorisation", "label", "case_event"]


class _Wire(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Reason(_Wire):
    """Why: a stable code of the reason catalogue and its words for an analyst."""

    code: str
    text: str


class Transaction(_Wire):
    """The payload of `transactions.v1`."""

    transaction_id: str
    event_time: int
    utc_offset_min: int
    customer_id: str
    card_token: str
    merchant_id: str
    mcc: str
    amount_minor: int
    currency: str
    amount_base_minor: int
    merchant_country: str
    channel: str
    card_bin: str | None
    terminal_id: str | None
    lat: float | None
    lon: float | None
    device_id: str | None
    ip: str | None
    decided_by: str | None


class CaseSummary(_Wire):
    """One row of the queue."""

    case_id: str
    customer_id: str
    status: CaseStatusName
    priority: float = Field(ge=0, le=1, description="Expected loss weighed by the time left; 1 is the most urgent.")
    opened_at: int
    due_at: int
    alert_count: int
    amount_at_risk_base_minor: int
    expected_loss_base_minor: int = Field(description="Sum of probability × amount over the alerts.")
    top_reason: Reason
    risk_score: float = Field(ge=0, le=1, description="Greatest of the alerts.")
    verdict: VerdictName | None
    assigned_to: str | None
    locked_until: int | None = Field(
        description="Until when the case is reserved for `assigned_to`; null where it is not."
    )
    closed_at: int | None
    version: int = Field(description="Send it back with the verdict; a stale one is refused.")


class CasePage(_Wire):
    """A slice of the queue; ask again with `next_cursor` until it is null."""

    items: list[CaseSummary]
    next_cursor: str | None
    total: int = Field(description="Cases with this status, on all pages.")


class CaseAlert(_Wire):
    """One stopped transaction of the case, with all that decided it."""

    alert_id: str
    event_time: int
    transaction: Transaction
    outcome: OutcomeName
    risk_score: float
    probability: float
    reasons: list[Reason]
    rule_hits: list[str]
    features: dict[str, float]
    model_version: str
    policy_version: str


class TimelineTransaction(_Wire):
    """What the timeline shows of a payment."""

    transaction_id: str
    merchant_id: str
    mcc: str
    merchant_country: str
    channel: str
    amount_minor: int
    currency: str
    amount_base_minor: int
    outcome: OutcomeName
    risk_score: float


class TimelineEntry(_Wire):
    """One thing that happened around the customer, newest first."""

    at: int
    kind: TimelineKind
    actor: str
    text: str
    transaction: TimelineTransaction | None


class CustomerProfile(_Wire):
    """The customer behind the case, as the decisions of this deployment know them."""

    customer_id: str
    first_seen: int | None
    last_seen: int | None
    txn_count: int
    approved_count: int
    stopped_count: int
    amount_mean_base_minor: int
    amount_max_base_minor: int
    countries: list[str]
    cards: int
    case_count: int


class CaseDetail(CaseSummary):
    """Everything an officer needs to decide, on one screen."""

    alerts: list[CaseAlert]
    timeline: list[TimelineEntry]
    customer: CustomerProfile


class CaseListQuery(BaseModel):
    """Filters of the queue."""

    model_config = ConfigDict(extra="forbid")
    status: CaseStatusName = "open"
    sort: Literal["priority", "newest"] = "priority"
    limit: int = Field(25, ge=1, le=100)
    cursor: str | None = Field(None, max_length=200)


class NextCaseQuery(BaseModel):
    """Where the officer comes from."""

    model_config = ConfigDict(extra="forbid")
    leaving: str | None = Field(
        None,
        pattern=r"^cs-[0-9a-f]{16}$",
        description="The case on screen: its reservation ends, another one is given.",
    )


class VerdictRequest(BaseModel):
    """What the officer decided, about the version of the case that was on screen."""

    model_config = ConfigDict(extra="forbid")
    verdict: VerdictName
    note: str | None = Field(None, max_length=2_000, pattern=r"^[^\x00]*$")
    version: int = Field(ge=1)


class Figures(_Wire):
    """The headline: counts of the last `window_s`, rate and latency of the last `live_window_s`."""

    window_s: int
    live_window_s: int
    decisions: int
    decisions_per_s: float
    approve: int
    challenge: int
    review: int
    decline: int
    alerts_open: int
    cases_open: int
    stopped_amount_base_minor: int
    p50_latency_ms: float | None
    p99_latency_ms: float | None
    dead_letters: int
    base_currency: str


class FieldProblem(_Wire):
    """One field that is wrong."""

    field: str
    code: str
    message: str


class Problem(_Wire):
    """RFC 9457 problem details."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[FieldProblem]


class FeedDecision(_Wire):
    """Event `decision` of the feed: `decisions.v1` without meta, and its latency."""

    transaction_id: str
    decision_version: int
    event_time: int
    customer_id: str
    card_token: str
    merchant_id: str
    mcc: str
    merchant_country: str
    channel: str
    amount_minor: int
    currency: str
    amount_base_minor: int
    outcome: OutcomeName
    risk_score: float
    probability: float
    reason_codes: list[str]
    rule_hits: list[str]
    experiment: str | None
    arm: str | None
    model_version: str
    policy_version: str
    catalogue_version: str
    decided_by: Literal["stream", "api"]
    record_versions: dict[str, int | list[int]]
    degraded: list[str]
    latency_ms: float | None


class FeedAlert(_Wire):
    """Event `alert` of the feed: `alerts.v1`."""

    alert_id: str
    transaction_id: str
    decision_version: int
    customer_id: str
    event_time: int
    outcome: OutcomeName
    risk_score: float
    probability: float
    reason_codes: list[str]
    reasons: list[Reason]
    rule_hits: list[str]
    model_version: str
    policy_version: str
    decided_by: Literal["stream", "api"]
    transaction: Transaction
    features: dict[str, float]


class FeedCaseEvent(_Wire):
    """Event `case` of the feed: `case-events.v1`."""

    event_id: str
    case_id: str
    customer_id: str
    kind: Literal["opened", "alert_added", "viewed", "assigned", "verdict", "note"]
    actor: str
    at: int
    data: dict[str, Any]


class FeedPing(_Wire):
    """Event `ping` of the feed, each ten seconds: the line is alive."""

    at: int
    dropped: int = Field(description="Events this client was too slow for, since it connected.")


class Health(_Wire):
    """Whether the process lives, and whether each dependency answers."""

    status: Literal["ok", "unavailable"]
    checks: dict[str, str]
