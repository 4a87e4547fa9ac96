/**
 * A dashboard API made of seeded examples, to look at the pages and to test them without a stack.
 *
 *   node test/fixture-server.mjs PORT [normal|empty|failing|slow]
 */
import { createServer } from "node:http";

const [port = "8181", mode = "normal"] = process.argv.slice(2);
const SLOW_MS = 60_000;

let seed = 7;
function random() {
  seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
  return seed / 2_147_483_648;
}
const pick = (list) => list[Math.floor(random() * list.length)];
const hex = (length) => Array.from({ length }, () => Math.floor(random() * 16).toString(16)).join("");

const REASONS = {
  IMPOSSIBLE_TRAVEL: "1,912 km/h would be needed from the last place",
  AMOUNT_ABOVE_USUAL: "Amount 7.4 times the card's mean",
  CARD_TESTING: "6 tiny online amounts in an hour: someone tries a card",
  NEW_DEVICE: "Device not seen in 30 days",
  UNUSUAL_HOUR: "The customer hardly ever pays around 2:00",
  NEW_COUNTRY: "Country not seen in 30 days",
  SCORE_HIGH: "Model score above the level for review",
};
const reason = (code) => ({ code, text: REASONS[code] });
const STOPPED = ["challenge", "review", "decline", "review"];

function transaction(customerId, isFraud) {
  const amount = Math.round((isFraud ? 400 + 5_000 * random() : 4 + 90 * random()) * 100);
  const currency = isFraud ? pick(["GBP", "USD", "EUR", "JPY"]) : "EUR";
  return {
    transaction_id: `tx-${hex(16)}`,
    event_time: Date.now() - Math.floor(2_000 * random()),
    utc_offset_min: 60,
    customer_id: customerId,
    card_token: `tok-${hex(16)}`,
    merchant_id: `m-${hex(6)}`,
    mcc: isFraud ? pick(["5732", "5944", "6051", "4829", "5816"]) : pick(["5411", "5812", "5541", "5912", "4111"]),
    amount_minor: currency === "JPY" ? amount * 1.6 | 0 : amount,
    currency,
    amount_base_minor: amount,
    merchant_country: isFraud ? pick(["GB", "US", "TH", "BR"]) : "DE",
    channel: isFraud ? pick(["ecom", "ecom", "atm", "transfer"]) : pick(["chip", "contactless", "ecom"]),
    card_bin: null,
    terminal_id: null,
    lat: 52.5,
    lon: 13.4,
    device_id: isFraud ? `d-${hex(8)}` : null,
    ip: null,
    decided_by: null,
  };
}

function features(payment) {
  return {
    card_txn_count_5m: 3, card_txn_count_1h: 6, card_txn_count_24h: 9, card_txn_count_7d: 18, card_txn_count_30d: 41,
    card_amount_mean_30d: 4_712.5, card_amount_std_30d: 2_130, card_amount_max_30d: 21_200,
    amount_to_card_mean_30d: payment.amount_base_minor / 4_712.5, amount_zscore_card_30d: 8.2,
    customer_txn_count_total: 812, customer_age_days: 403, distance_from_last_km: 1_434, speed_from_last_kmh: 1_912,
    distance_from_usual_km: 1_420, is_new_country_30d: 1, is_new_merchant_30d: 1, is_new_device_30d: 1,
    distinct_devices_30d: 2, is_new_mcc_30d: 0, small_amount_count_1h: 2, hour_share_30d: 0.004, local_hour: 2.4,
    amount_base_minor: payment.amount_base_minor, is_weekend: 0, is_night: 1, is_remote: 1,
  };
}

function alertOf(customerId, at) {
  const payment = { ...transaction(customerId, true), event_time: at };
  return {
    alert_id: `al-${hex(24)}`, event_time: at, transaction: payment, outcome: pick(STOPPED),
    risk_score: 0.9 + 0.0999 * random(), probability: 0.2 + 0.7 * random(),
    reasons: [pick(Object.keys(REASONS)), "AMOUNT_ABOVE_USUAL", "NEW_COUNTRY", "UNUSUAL_HOUR"].filter((c, i, all) => all.indexOf(c) === i).map(reason),
    rule_hits: ["impossible-travel", "night-spend-new-country"], features: features(payment),
    model_version: "hgb-3f9a1c27d0be", policy_version: "9b1f27aa03c4e5d6",
  };
}

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;

function timelineOf(customerId, alerts) {
  const entries = alerts.flatMap((a) => [
    { at: a.event_time, kind: "decision", actor: "stream", text: "", transaction: { ...a.transaction, outcome: a.outcome, risk_score: a.risk_score } },
    { at: a.event_time + 900, kind: "case_event", actor: "system", text: "An alert joined the case", transaction: null },
  ]);
  for (let i = 1; i < 40; i += 1) {
    const payment = transaction(customerId, false);
    entries.push({
      at: Date.now() - i * 5 * HOUR_MS, kind: "decision", actor: "stream", text: "",
      transaction: { ...payment, outcome: i % 17 === 0 ? "challenge" : "approve", risk_score: 0.2 * random() },
    });
  }
  entries.push({ at: Date.now() - 30 * HOUR_MS, kind: "customer_event", actor: "bank", text: "New device registered", transaction: null });
  return entries.sort((a, b) => b.at - a.at);
}

function makeCase(index) {
  const customerId = `cust-${String(4_000 + index * 37).padStart(6, "0")}`;
  const alerts = Array.from({ length: 1 + Math.floor(4 * random()) }, (_, i) => alertOf(customerId, Date.now() - index * 4 * MINUTE_MS - i * 7 * MINUTE_MS));
  const sum = alerts.reduce((total, a) => total + a.transaction.amount_base_minor, 0);
  return {
    case_id: `cs-${hex(16)}`, customer_id: customerId, status: "open", priority: Math.max(0.04, 0.98 - index * 0.027),
    opened_at: Date.now() - index * 5 * MINUTE_MS, due_at: Date.now() + (index * 21 - 25) * MINUTE_MS, alert_count: alerts.length,
    amount_at_risk_base_minor: sum, expected_loss_base_minor: Math.round(sum * 0.6), top_reason: alerts[0].reasons[0],
    risk_score: Math.max(...alerts.map((a) => a.risk_score)), verdict: null,
    assigned_to: index === 3 ? "local-officer" : null, locked_until: index === 3 ? Date.now() + 8 * MINUTE_MS : null,
    closed_at: null, version: 1, alerts, timeline: timelineOf(customerId, alerts),
    customer: {
      customer_id: customerId, first_seen: Date.now() - 403 * 24 * HOUR_MS, last_seen: Date.now(), txn_count: 812, approved_count: 806,
      stopped_count: 6, amount_mean_base_minor: 4_712, amount_max_base_minor: 88_000, countries: ["DE", "FR", "AT"], cards: 2, case_count: 1,
    },
  };
}

const cases = mode === "empty" ? [] : Array.from({ length: 34 }, (_, i) => makeCase(i));
const summary = ({ alerts: _a, timeline: _t, customer: _c, ...rest }) => rest;
const openCases = () => cases.filter((c) => c.status === "open");

function figures() {
  const isEmpty = mode === "empty";
  return {
    window_s: 3_600, live_window_s: 60, decisions: isEmpty ? 0 : 184_233, decisions_per_s: isEmpty ? 0 : 48 + 6 * random(),
    approve: isEmpty ? 0 : 182_401, challenge: isEmpty ? 0 : 911, review: isEmpty ? 0 : 604, decline: isEmpty ? 0 : 317,
    alerts_open: openCases().reduce((n, c) => n + c.alert_count, 0), cases_open: openCases().length,
    stopped_amount_base_minor: isEmpty ? 0 : 41_238_055, p50_latency_ms: isEmpty ? null : 6.2, p99_latency_ms: isEmpty ? null : 31.4 + 4 * random(),
    dead_letters: isEmpty ? 0 : 3, base_currency: "EUR",
  };
}

function decision() {
  const isFraud = random() < 0.12;
  const customerId = isFraud && cases.length > 0 ? pick(cases).customer_id : `cust-${Math.floor(9_000 * random())}`;
  const payment = transaction(customerId, isFraud);
  return {
    ...payment, decision_version: 1, outcome: isFraud ? pick(STOPPED) : "approve", risk_score: isFraud ? 0.93 + 0.06 * random() : 0.5 * random(),
    probability: 0.1, reason_codes: [], rule_hits: [], experiment: null, arm: null, model_version: "hgb-3f9a1c27d0be", policy_version: "9b",
    catalogue_version: "c1", decided_by: "stream", record_versions: {}, degraded: [], latency_ms: 8.1,
  };
}

function serveFeed(request, response) {
  response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
  response.write("retry: 2000\n\n");
  const send = (kind, data) => response.write(`event: ${kind}\ndata: ${JSON.stringify(data)}\n\n`);
  for (const c of cases) send("case", { event_id: "e", case_id: c.case_id, customer_id: c.customer_id, kind: "opened", actor: "system", at: c.opened_at, data: {} });
  if (mode !== "empty") for (let i = 0; i < 40; i += 1) send("decision", decision());
  const timers = [setInterval(() => send("ping", { at: Date.now(), dropped: 0 }), 10_000)];
  if (mode !== "empty") timers.push(setInterval(() => send("decision", decision()), 350));
  request.on("close", () => timers.forEach(clearInterval));
}

function json(response, status, body) {
  response.writeHead(status, { "content-type": status < 400 ? "application/json" : "application/problem+json" });
  response.end(JSON.stringify(body));
}
const problem = (response, status, title, detail) => json(response, status, { type: "about:blank", title, status, detail, errors: [] });

async function bodyOf(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  return JSON.parse(Buffer.concat(chunks).toString());
}

async function giveVerdict(request, response, found) {
  const { verdict, version } = await bodyOf(request);
  if (found.status === "closed") return problem(response, 409, "Conflict", `case ${found.case_id} is closed already`);
  if (version !== found.version) return problem(response, 409, "Conflict", `case ${found.case_id} has changed: version ${found.version}, judged was ${version}`);
  Object.assign(found, { status: "closed", verdict, version: version + 1, closed_at: Date.now(), assigned_to: "local-officer" });
  return json(response, 200, summary(found));
}

/** As the API does: the case that is left comes behind all others. */
function openNext(response, leaving) {
  const left = cases.findIndex((c) => c.case_id === leaving);
  if (left >= 0) cases.push(...cases.splice(left, 1).map((c) => Object.assign(c, { assigned_to: null, locked_until: null })));
  const next = openCases().find((c) => c.case_id !== leaving);
  if (!next) return problem(response, 404, "Not found", "the queue is empty");
  return json(response, 200, Object.assign(next, { assigned_to: "local-officer", locked_until: Date.now() + 10 * MINUTE_MS }));
}

async function handle(request, response) {
  const url = new URL(request.url, "http://fixture");
  if (mode === "slow") await new Promise((resolve) => setTimeout(resolve, SLOW_MS));
  if (mode === "failing") return problem(response, 503, "A dependency does not answer", "postgres does not answer");
  const [, , name, id, action] = url.pathname.split("/");
  if (name === "feed") return serveFeed(request, response);
  if (name === "figures") return json(response, 200, figures());
  if (name === "cases" && id === undefined) {
    const all = cases.filter((c) => c.status === (url.searchParams.get("status") ?? "open"));
    const from = Number(url.searchParams.get("cursor") ?? 0);
    const limit = Number(url.searchParams.get("limit") ?? 25);
    return json(response, 200, { items: all.slice(from, from + limit).map(summary), total: all.length, next_cursor: from + limit < all.length ? String(from + limit) : null });
  }
  if (name === "cases" && id === "next") {
    return openNext(response, url.searchParams.get("leaving"));
  }
  const found = cases.find((c) => c.case_id === id);
  if (!found) return problem(response, 404, "Not found", `no case ${id}`);
  if (action === "verdict") return giveVerdict(request, response, found);
  if (action === "touch") found.version += 1;
  return json(response, 200, found);
}

createServer((request, response) => void handle(request, response)).listen(Number(port), "127.0.0.1");
