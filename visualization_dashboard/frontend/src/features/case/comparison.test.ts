import { expect, test } from "vitest";
import { caseDetail } from "@/api/adapters";
import type { CaseAlert } from "@/api/model";
import { wireAlert, wireCase } from "../../../test/examples";
import { compare } from "./comparison";

function alertWith(features: Record<string, number>): CaseAlert {
  const [alert] = caseDetail(wireCase({ alerts: [wireAlert({ features })] })).alerts;
  if (alert === undefined) throw new Error("the example has an alert");
  return alert;
}

test("an amount is told in multiples of the card's mean", () => {
  const features = { card_amount_mean_30d: 55_882, amount_to_card_mean_30d: 7.4, card_amount_max_30d: 90_000 };
  const row = compare(alertWith(features)).find((r) => r.what === "Amount");
  expect(row?.now).toContain("7.4 times this card's 30-day mean");
  expect(row?.usual).toContain("558.82");
  expect(row?.isUnusual).toBe(true);
});

test("a card without history is said to have none", () => {
  const [row] = compare(alertWith({ card_amount_mean_30d: -1, amount_to_card_mean_30d: -1 }));
  expect(row).toMatchObject({ what: "Amount", usual: "Card without a payment in 30 days", isUnusual: false });
});

test("a missing feature leaves its row out", () => {
  const shown = compare(alertWith({ is_new_country_30d: 0, distance_from_usual_km: -1, speed_from_last_kmh: -1 }));
  expect(shown.map((r) => r.what)).toEqual(["Amount", "Place"]);
});

test("what is unusual comes first", () => {
  const shown = compare(alertWith({ is_new_country_30d: 0, hour_share_30d: 0.004, local_hour: 2.4 }));
  expect(shown.map((r) => [r.what, r.isUnusual])).toEqual([
    ["Hour", true],
    ["Amount", false],
    ["Place", false],
  ]);
  expect(shown[0]?.now).toBe("02 h at the place");
});
