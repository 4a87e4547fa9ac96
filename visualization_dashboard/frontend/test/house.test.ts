// @vitest-environment node
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";

const ROOT = path.resolve(import.meta.dirname, "..");
const TOKENS = readFileSync(path.join(ROOT, "src/design/tokens.css"), "utf8");
const AA_TEXT = 4.5;
const AA_GRAPHIC = 3;

type Theme = "light" | "dark";

function token(name: string, theme: Theme): string {
  const found = new RegExp(`--${name}: light-dark\\((#[0-9a-f]{6}), (#[0-9a-f]{6})\\)`).exec(TOKENS);
  const colour = found?.[theme === "light" ? 1 : 2];
  if (colour === undefined) throw new Error(`tokens.css has no colour ${name}`);
  return colour;
}

/** Contrast ratio as WCAG 2.2 defines it. */
function contrast(a: string, b: string): number {
  const luminance = (hex: string) =>
    [1, 3, 5]
      .map((at) => parseInt(hex.slice(at, at + 2), 16) / 255)
      .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
      .reduce((sum, c, i) => sum + c * ([0.2126, 0.7152, 0.0722][i] ?? 0), 0);
  const [lighter, darker] = [luminance(a), luminance(b)].toSorted((x, y) => y - x) as [number, number];
  return (lighter + 0.05) / (darker + 0.05);
}

const OUTCOMES = ["approve", "challenge", "review", "decline"];
const TEXT_ON: [string, string][] = [
  ...["canvas", "surface", "raised", "accent-soft"].flatMap((back): [string, string][] => [["ink", back], ["muted", back]]),
  ...[...OUTCOMES, "accent"].flatMap((name): [string, string][] => [[name, "surface"], [name, `${name}-soft`]]),
  // A queue row or a list row under the pointer or with the focus.
  ...["challenge", "decline", "approve"].flatMap((name): [string, string][] => [[name, "raised"], [name, "accent-soft"]]),
  ["on-accent", "accent"],
  ["on-decline", "decline"],
  ["on-approve", "approve"],
];

test.each(["light", "dark"] as const)("text has the contrast of WCAG AA in %s", (theme) => {
  const weak = TEXT_ON.map(([text, back]) => [text, back, contrast(token(text, theme), token(back, theme))] as const);
  expect(weak.filter(([, , ratio]) => ratio < AA_TEXT)).toEqual([]);
});

test.each(["light", "dark"] as const)("focus rings and field borders can be seen in %s", (theme) => {
  const shown = ["focus", "line-strong"].map((name) => contrast(token(name, theme), token("surface", theme)));
  expect(Math.min(...shown)).toBeGreaterThanOrEqual(AA_GRAPHIC);
});

function sources(extension: RegExp): { name: string; text: string }[] {
  const all = readdirSync(path.join(ROOT, "src"), { recursive: true, encoding: "utf8" });
  return all
    .filter((name) => extension.test(name) && !/\.test\.tsx?$/.test(name))
    .map((name) => ({ name, text: readFileSync(path.join(ROOT, "src", name), "utf8") }));
}

test("raw colours stand in tokens.css alone", () => {
  const offenders = sources(/\.(tsx?|css)$/).filter(({ name, text }) => name !== "design/tokens.css" && /#[0-9a-f]{3,8}\b|\b(rgb|hsl|oklch)\(/i.test(text));
  expect(offenders.map((o) => o.name)).toEqual([]);
});

test("wire names stay in the API folder", () => {
  const offenders = sources(/\.tsx?$/).filter(
    ({ name, text }) => !name.startsWith("api/") && /\b(case_id|customer_id|risk_score|_base_minor|alert_id)\b/.test(text),
  );
  expect(offenders.map((o) => o.name)).toEqual([]);
});
