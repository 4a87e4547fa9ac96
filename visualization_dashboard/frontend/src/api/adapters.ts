/** The only file in which wire names meet the names of the pages. */
import type { components } from "./generated";
import type * as model from "./model";

export type Wire = components["schemas"];

/** The currency in which `_base_minor` amounts are; amounts of cases come without a code. */
export const BASE_CURRENCY = "EUR";

function base(minor: number): model.Money {
  return { minor, currency: BASE_CURRENCY };
}

function payment(
  wire: Wire["Transaction"] | Wire["TimelineTransaction"] | Wire["FeedDecision"],
): model.Payment {
  return {
    transactionId: wire.transaction_id,
    merchantId: wire.merchant_id,
    mcc: wire.mcc,
    country: wire.merchant_country,
    channel: wire.channel,
    amount: { minor: wire.amount_minor, currency: wire.currency },
    baseAmount: base(wire.amount_base_minor),
  };
}

export function feedRow(wire: Wire["FeedDecision"]): model.FeedRow {
  return {
    ...payment(wire),
    key: `${wire.transaction_id}/${wire.decision_version}`,
    eventTime: wire.event_time,
    customerId: wire.customer_id,
    outcome: wire.outcome,
    riskScore: wire.risk_score,
    isDegraded: wire.degraded.length > 0,
  };
}

export function caseEvent(wire: Wire["FeedCaseEvent"]): model.CaseEvent {
  return { caseId: wire.case_id, customerId: wire.customer_id, kind: wire.kind };
}

export function figures(wire: Wire["Figures"]): model.Figures {
  return {
    windowS: wire.window_s,
    decisions: wire.decisions,
    decisionsPerS: wire.decisions_per_s,
    byOutcome: {
      approve: wire.approve,
      challenge: wire.challenge,
      review: wire.review,
      decline: wire.decline,
    },
    alertsOpen: wire.alerts_open,
    casesOpen: wire.cases_open,
    stopped: { minor: wire.stopped_amount_base_minor, currency: wire.base_currency },
    p50LatencyMs: wire.p50_latency_ms,
    p99LatencyMs: wire.p99_latency_ms,
    deadLetters: wire.dead_letters,
  };
}

export function caseSummary(wire: Wire["CaseSummary"]): model.CaseSummary {
  return {
    caseId: wire.case_id,
    customerId: wire.customer_id,
    status: wire.status,
    priority: wire.priority,
    openedAt: wire.opened_at,
    dueAt: wire.due_at,
    alertCount: wire.alert_count,
    atRisk: base(wire.amount_at_risk_base_minor),
    expectedLoss: base(wire.expected_loss_base_minor),
    topReason: wire.top_reason,
    riskScore: wire.risk_score,
    verdict: wire.verdict,
    assignedTo: wire.assigned_to,
    lockedUntil: wire.locked_until,
    closedAt: wire.closed_at,
    version: wire.version,
  };
}

export function casePage(wire: Wire["CasePage"]): model.CasePage {
  return { items: wire.items.map(caseSummary), nextCursor: wire.next_cursor, total: wire.total };
}

function caseAlert(wire: Wire["CaseAlert"]): model.CaseAlert {
  return {
    ...payment(wire.transaction),
    alertId: wire.alert_id,
    eventTime: wire.event_time,
    utcOffsetMin: wire.transaction.utc_offset_min,
    cardToken: wire.transaction.card_token,
    deviceId: wire.transaction.device_id,
    ip: wire.transaction.ip,
    outcome: wire.outcome,
    riskScore: wire.risk_score,
    probability: wire.probability,
    reasons: wire.reasons,
    ruleHits: wire.rule_hits,
    features: wire.features,
    modelVersion: wire.model_version,
    policyVersion: wire.policy_version,
  };
}

function timelineEntry(wire: Wire["TimelineEntry"]): model.TimelineEntry {
  const shown = wire.transaction;
  return {
    at: wire.at,
    kind: wire.kind,
    actor: wire.actor,
    text: wire.text,
    payment: shown && { ...payment(shown), outcome: shown.outcome, riskScore: shown.risk_score },
  };
}

export function caseDetail(wire: Wire["CaseDetail"]): model.CaseDetail {
  const { customer } = wire;
  return {
    ...caseSummary(wire),
    alerts: wire.alerts.map(caseAlert),
    timeline: wire.timeline.map(timelineEntry),
    customer: {
      firstSeen: customer.first_seen,
      lastSeen: customer.last_seen,
      paymentCount: customer.txn_count,
      approvedCount: customer.approved_count,
      stoppedCount: customer.stopped_count,
      meanAmount: base(customer.amount_mean_base_minor),
      maxAmount: base(customer.amount_max_base_minor),
      countries: customer.countries,
      cards: customer.cards,
      caseCount: customer.case_count,
    },
  };
}
