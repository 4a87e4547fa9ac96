// @vitest-environment node
import { readFileSync } from "node:fs";
import path from "node:path";
import openapiTS, { astToString, COMMENT_HEADER } from "openapi-typescript";
import { expect, test } from "vitest";

const ROOT = path.resolve(import.meta.dirname, "..");
const CONTRACT = path.resolve(ROOT, "../backend/openapi.json");

test("the client is what `npm run generate` makes of the dashboard API's document", async () => {
  const fresh = COMMENT_HEADER + astToString(await openapiTS(readFileSync(CONTRACT, "utf8")));
  expect(readFileSync(path.join(ROOT, "src/api/generated.ts"), "utf8")).toBe(fresh);
});
