// @vitest-environment node
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { forward, UpstreamRefused } from "@/server/upstream";

// The guard against use in a browser has nothing to guard here.
vi.mock("server-only", () => ({}));

let server: Server;
let answer: (request: IncomingMessage, response: ServerResponse) => void;
let asked: IncomingMessage[];

beforeEach(async () => {
  asked = [];
  server = createServer((request, response) => {
    asked.push(request);
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  vi.stubEnv("DASHBOARD_API_ORIGIN", `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});

afterEach(async () => {
  vi.unstubAllEnvs();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

function page(path: string, init?: RequestInit): Request {
  const request = new Request(`http://127.0.0.1:3000${path}`, init);
  if (!request.headers.has("host")) request.headers.set("host", "127.0.0.1:3000");
  return request;
}

test("only listed headers pass, in both directions", async () => {
  answer = (_, response) => {
    response.writeHead(200, { "content-type": "application/json", "set-cookie": "a=b", server: "inner/1.0" });
    response.end("{}");
  };
  const headers = { cookie: "secret", authorization: "Bearer x", "x-forwarded-for": "6.6.6.6", accept: "application/json" };
  const response = await forward(page("/api/cases?limit=5", { headers }), ["cases"]);
  const inner = asked[0]?.headers ?? {};
  expect(asked[0]?.url).toBe("/api/cases?limit=5");
  expect([inner.cookie, inner.authorization, inner["x-forwarded-for"]]).toEqual([undefined, undefined, undefined]);
  expect([response.headers.get("set-cookie"), response.headers.get("server")]).toEqual([null, null]);
  expect(await response.json()).toEqual({});
});

test("events pass one by one, before the stream has ended", async () => {
  const gone = new Promise<void>((resolve) => {
    answer = (request, response) => {
      request.on("close", resolve);
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.write("event: ping\ndata: {}\n\n");
    };
  });
  const client = new AbortController();
  const response = await forward(page("/api/feed", { signal: client.signal }), ["feed"]);
  const reader = response.body?.getReader();
  const first = await reader?.read();
  expect(new TextDecoder().decode(first?.value)).toContain("event: ping");
  client.abort();
  await gone; // a page that is closed ends the stream upstream too
});

test("no request depends on a connection that the other side may just have closed", async () => {
  answer = (_, response) => response.end("{}");
  for (const name of ["figures", "cases"]) await (await forward(page(`/api/${name}`), [name])).json();
  const [first, second] = asked;
  expect(first?.headers.connection).toBe("close");
  expect(second?.socket).not.toBe(first?.socket);
});

test("a segment cannot leave /api", async () => {
  await expect(forward(page("/api/x"), ["..", "metrics"])).rejects.toMatchObject({ status: 404 });
  answer = (_, response) => response.end("{}");
  await forward(page("/api/x"), ["cases", "../../metrics"]);
  expect(asked[0]?.url).toBe("/api/cases/..%2F..%2Fmetrics");
});

test("a change that another site started is refused", async () => {
  const request = page("/api/cases/next", { method: "POST", headers: { "sec-fetch-site": "cross-site" } });
  await expect(forward(request, ["cases", "next"])).rejects.toMatchObject({ status: 403 });
  expect(asked).toEqual([]);
});

test.each(["evil.example", "localhost.evil.example:3000", "dashboard-web", ""])("a page of the name '%s' gets nothing", async (host) => {
  await expect(forward(page("/api/cases", { headers: { host } }), ["cases"])).rejects.toMatchObject({ status: 403 });
  expect(asked).toEqual([]);
});

test.each(["localhost:3000", "127.0.0.1:3000", "[::1]:3000", "FRAUD.example", "desk.example:443"])("a page of the name '%s' is served", async (host) => {
  vi.stubEnv("FRAUD_DASHBOARD_ALLOWED_HOSTS", "Fraud.example,desk.example");
  answer = (_, response) => response.end("{}");
  expect((await forward(page("/api/cases", { headers: { host } }), ["cases"])).status).toBe(200);
});

test("a body above the limit is refused", async () => {
  const request = page("/api/cases/next", { method: "POST", body: "x".repeat(65_537) });
  await expect(forward(request, ["cases", "next"])).rejects.toMatchObject({ status: 413 });
});

test("a server that is away is a problem of its own", async () => {
  vi.stubEnv("DASHBOARD_API_ORIGIN", "http://127.0.0.1:1");
  await expect(forward(page("/api/cases"), ["cases"])).rejects.toBeInstanceOf(UpstreamRefused);
  vi.stubEnv("DASHBOARD_API_ORIGIN", "");
  await expect(forward(page("/api/cases"), ["cases"])).rejects.toMatchObject({ status: 503 });
});
