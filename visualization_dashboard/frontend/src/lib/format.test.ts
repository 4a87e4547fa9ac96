import { expect, test } from "vitest";
import { latency, money, moneyCompact, percent, score, shareBelow, shortId, span, utc } from "./format";

test("amounts follow the minor unit of their currency", () => {
  expect(money({ minor: 350_000, currency: "EUR" }, "en-GB")).toBe("€3,500.00");
  expect(money({ minor: 350_000, currency: "JPY" }, "en-GB")).toBe("JP¥350,000");
  expect(money({ minor: 350_000, currency: "KWD" }, "en-GB")).toMatch(/350\.000$/);
  expect(moneyCompact({ minor: 41_238_055, currency: "EUR" }, "en-GB")).toMatch(/^€412\.4k$/i);
});

test("a share that is not everything never reads 100 %", () => {
  expect(percent(0.9999, "en-GB")).toBe("99.9%");
  expect(percent(1, "en-GB")).toBe("100%");
  expect(percent(0.004, "en-GB")).toBe("0.4%");
});

test("a risk score reads the same as a number and as a share", () => {
  expect([score(0.987), shareBelow(0.987, "en-GB")]).toEqual(["0.98", "98%"]);
  expect([score(0.9996), score(1)]).toEqual(["0.999", "1.00"]);
});

test("spans use the two greatest useful units", () => {
  expect([45_000, 720_000, 12_000_000, 7_200_000, 86_400_000, 400_000_000].map(span)).toEqual([
    "45 s",
    "12 min",
    "3 h 20 min",
    "2 h",
    "24 h",
    "4 d",
  ]);
});

test("latencies keep three figures or so", () => {
  expect([4.26, 431.4, 24_104].map((ms) => latency(ms, "en-GB"))).toEqual(["4.3 ms", "431 ms", "24.1 s"]);
});

test("titles of times are in UTC", () => {
  expect(utc(Date.UTC(2026, 10, 22, 18, 52, 47))).toBe("2026-11-22 18:52:47 UTC");
});

test("short ids are left whole, long ones keep their start", () => {
  expect(shortId("cs-12345")).toBe("cs-12345");
  expect(shortId("cs-0123456789abcdef")).toBe("cs-01234567…");
});
