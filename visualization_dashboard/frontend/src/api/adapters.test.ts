import { expect, test } from "vitest";
import { wireCase, wireDecision } from "../../test/examples";
import * as adapt from "./adapters";
import { problemFrom } from "./problem";

test("a case keeps the payment's own currency beside the base currency", () => {
  const detail = adapt.caseDetail(wireCase());
  expect(detail.atRisk).toEqual({ minor: 413_525, currency: "EUR" });
  expect(detail.alerts[0]?.amount).toEqual({ minor: 350_000, currency: "GBP" });
  expect(detail.version).toBe(3);
});

test("a feed row is known by transaction and decision version", () => {
  expect(adapt.feedRow(wireDecision("tx-7", "review"))).toMatchObject({ key: "tx-7/1", outcome: "review", country: "GB" });
});

test("an answer that is no problem document still becomes a problem", () => {
  expect(problemFrom(502, "<html>")).toMatchObject({ status: 502, title: "Status 502", isTransient: true });
  expect(problemFrom(409, { title: "Conflict", detail: "is closed" })).toMatchObject({ detail: "is closed", isTransient: false });
});
