/** Wire values as the dashboard API sends them; `with` changes what a test is about. */
import type { Wire } from "@/api/adapters";

type With<T> = Partial<T>;

export const transaction: Wire["Transaction"] = {
  transaction_id: "tx-1",
  event_time: Date.UTC(2026, 10, 22, 1, 30),
  utc_offset_min: 60,
  customer_id: "cust-1",
  card_token: "tok-1",
  merchant_id: "m-9",
  mcc: "5732",
  amount_minor: 350_000,
  currency: "GBP",
  amount_base_minor: 413_525,
  merchant_country: "GB",
  channel: "ecom",
  card_bin: null,
  terminal_id: null,
  lat: null,
  lon: null,
  device_id: "d-1",
  ip: null,
  decided_by: null,
};

export function wireAlert(change: With<Wire["CaseAlert"]> = {}): Wire["CaseAlert"] {
  return {
    alert_id: "al-1",
    event_time: transaction.event_time,
    transaction,
    outcome: "decline",
    risk_score: 0.987,
    probability: 0.62,
    reasons: [{ code: "AMOUNT_ABOVE_USUAL", text: "Amount 7.4 times the card's mean" }],
    rule_hits: ["extreme-amount"],
    features: { card_amount_mean_30d: 55_882, amount_to_card_mean_30d: 7.4, card_amount_max_30d: 90_000 },
    model_version: "hgb-0",
    policy_version: "p-0",
    ...change,
  };
}

export function wireCase(change: With<Wire["CaseDetail"]> = {}): Wire["CaseDetail"] {
  return {
    case_id: "cs-1",
    customer_id: "cust-1",
    status: "open",
    priority: 0.8,
    opened_at: transaction.event_time,
    due_at: transaction.event_time + 3_600_000,
    alert_count: 1,
    amount_at_risk_base_minor: 413_525,
    expected_loss_base_minor: 256_386,
    top_reason: { code: "AMOUNT_ABOVE_USUAL", text: "Amount 7.4 times the card's mean" },
    risk_score: 0.987,
    verdict: null,
    assigned_to: null,
    locked_until: null,
    closed_at: null,
    version: 3,
    alerts: [wireAlert()],
    timeline: [],
    customer: {
      customer_id: "cust-1",
      first_seen: null,
      last_seen: null,
      txn_count: 12,
      approved_count: 11,
      stopped_count: 1,
      amount_mean_base_minor: 5_000,
      amount_max_base_minor: 90_000,
      countries: ["DE"],
      cards: 1,
      case_count: 1,
    },
    ...change,
  };
}

export function wireDecision(id: string, outcome: Wire["FeedDecision"]["outcome"] = "approve"): Wire["FeedDecision"] {
  const { amount_minor, amount_base_minor, currency, mcc, merchant_id, merchant_country, channel } = transaction;
  return {
    transaction_id: id,
    decision_version: 1,
    event_time: transaction.event_time,
    customer_id: "cust-1",
    card_token: "tok-1",
    merchant_id,
    mcc,
    merchant_country,
    channel,
    amount_minor,
    currency,
    amount_base_minor,
    outcome,
    risk_score: 0.4,
    probability: 0.01,
    reason_codes: [],
    rule_hits: [],
    experiment: null,
    arm: null,
    model_version: "hgb-0",
    policy_version: "p-0",
    catalogue_version: "c-0",
    decided_by: "stream",
    record_versions: {},
    degraded: [],
    latency_ms: 4.2,
  };
}
