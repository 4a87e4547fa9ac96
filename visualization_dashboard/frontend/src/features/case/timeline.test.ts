import { expect, test } from "vitest";
import type { Outcome, TimelineEntry, TimelineKind } from "@/api/model";
import { groupTimeline } from "./timeline";

function entry(at: number, kind: TimelineKind, outcome?: Outcome): TimelineEntry {
  const money = { minor: 100, currency: "EUR" };
  const payment = { transactionId: `tx-${at}`, merchantId: "m", mcc: "5411", country: "DE", channel: "chip", amount: money, baseAmount: money, riskScore: 0.1 };
  return { at, kind, actor: "stream", text: "", payment: outcome === undefined ? null : { ...payment, outcome } };
}

const NOON = new Date(2026, 10, 22, 12).getTime();
const HOUR = 3_600_000;

test("days are local and newest first", () => {
  const days = groupTimeline([entry(NOON - 13 * HOUR, "case_event"), entry(NOON, "case_event")], null);
  expect(days.map((d) => new Date(d.startsAt).getDate())).toEqual([22, 21]);
});

test("a run of approvals is folded, a stopped payment breaks it", () => {
  const approvals = [1, 2, 3, 4, 6].map((h) => entry(NOON - h * HOUR, "decision", "approve"));
  const [today] = groupTimeline([...approvals, entry(NOON - 5 * HOUR, "decision", "review")], null);
  expect(today?.items.map((i) => i.entries.length)).toEqual([4, 1, 1]);
});

test("a category shows its kinds only", () => {
  const all = [entry(NOON, "customer_event"), entry(NOON - HOUR, "label"), entry(NOON - 2 * HOUR, "decision", "decline")];
  const kinds = (c: "payments" | "customer" | "case") => groupTimeline(all, c).flatMap((d) => d.items.map((i) => i.entries[0].kind));
  expect([kinds("payments"), kinds("customer"), kinds("case")]).toEqual([["decision"], ["customer_event"], ["label"]]);
});
