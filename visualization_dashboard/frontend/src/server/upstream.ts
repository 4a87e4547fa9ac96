import "server-only";

/** Why a request never reached the dashboard API. */
export class UpstreamRefused extends Error {
  constructor(
    readonly status: number,
    readonly title: string,
    detail: string,
  ) {
    super(detail);
  }
}

const MAX_BODY_BYTES = 65_536;
const ANSWER_TIMEOUT_MS = 15_000;
// Lists of what may pass, so that a header that somebody adds later is not passed on by accident.
const REQUEST_HEADERS = ["accept", "content-type", "last-event-id"] as const;
const RESPONSE_HEADERS = ["content-type", "cache-control", "retry-after", "x-request-id"] as const;

// As the dashboard API has them (backend/guard.py).
const LOOPBACK_HOSTS = ["localhost", "127.0.0.1", "[::1]"];

/** Read at run time: one build serves every environment. */
function upstreamOrigin(): string {
  const origin = process.env.DASHBOARD_API_ORIGIN;
  if (!origin) throw new UpstreamRefused(503, "Not configured", "DASHBOARD_API_ORIGIN is not set.");
  return origin.replace(/\/+$/, "");
}

/**
 * Passes a request under /api on to the dashboard API and streams the answer back as it comes.
 *
 * A client that goes away ends the request upstream too. Throws UpstreamRefused where nothing was sent on or no
 * answer came within the time-out; the body of an answer (the feed) may last as long as it likes.
 */
export async function forward(request: Request, segments: readonly string[]): Promise<Response> {
  if (segments.some((s) => s === "." || s === "..")) throw new UpstreamRefused(404, "Not found", "No such resource.");
  refuseForeignHosts(request);
  refuseForeignWrites(request);
  const target = `${upstreamOrigin()}/api/${segments.map(encodeURIComponent).join("/")}${new URL(request.url).search}`;
  const headers = picked(request.headers, REQUEST_HEADERS);
  headers.set("accept-encoding", "identity");
  // A connection that is kept may be closed by the other side just as it is used again, and a verdict is not repeated.
  headers.set("connection", "close");
  const hasBody = request.method !== "GET" && request.method !== "HEAD";
  const answer = await fetchWithin(target, {
    method: request.method,
    headers,
    body: hasBody ? await boundedBody(request) : null,
    redirect: "manual",
    cache: "no-store",
    signal: request.signal,
  });
  const answerHeaders = picked(answer.headers, RESPONSE_HEADERS);
  answerHeaders.set("x-accel-buffering", "no");
  if (!answerHeaders.has("cache-control")) answerHeaders.set("cache-control", "no-store");
  return new Response(answer.body, { status: answer.status, headers: answerHeaders });
}

async function fetchWithin(target: string, init: RequestInit & { signal: AbortSignal }): Promise<Response> {
  // The time-out ends with the headers: a stream has no last byte to wait for.
  const deadline = new AbortController();
  const timer = setTimeout(() => deadline.abort(), ANSWER_TIMEOUT_MS);
  try {
    return await fetch(target, { ...init, signal: AbortSignal.any([init.signal, deadline.signal]) });
  } catch (error) {
    if (init.signal.aborted) throw error;
    if (deadline.signal.aborted) throw new UpstreamRefused(504, "No answer", "The dashboard API did not answer in time.");
    throw new UpstreamRefused(502, "Not reachable", "The dashboard API cannot be reached.");
  } finally {
    clearTimeout(timer);
  }
}

/**
 * A page whose name is made to lead here (DNS rebinding) is of the same origin to the browser; only its name tells.
 * Upstream sees the name of this server alone, so the pages' own name is checked here.
 */
function refuseForeignHosts(request: Request): void {
  const allowed = (process.env.FRAUD_DASHBOARD_ALLOWED_HOSTS ?? "").toLowerCase().split(",");
  const name = (request.headers.get("host") ?? "").replace(/:[0-9]+$/, "").toLowerCase();
  if (name !== "" && [...LOOPBACK_HOSTS, ...allowed].includes(name)) return;
  throw new UpstreamRefused(403, "Forbidden", "This host name is not in FRAUD_DASHBOARD_ALLOWED_HOSTS.");
}

/** Only our own pages may change anything; browsers say where a request comes from. */
function refuseForeignWrites(request: Request): void {
  if (request.method === "GET" || request.method === "HEAD") return;
  const site = request.headers.get("sec-fetch-site");
  if (site !== null && site !== "same-origin") {
    throw new UpstreamRefused(403, "Forbidden", "Changes are accepted from this dashboard's own pages only.");
  }
}

async function boundedBody(request: Request): Promise<ArrayBuffer> {
  const tooLarge = new UpstreamRefused(413, "Too large", `A request may hold ${MAX_BODY_BYTES} bytes.`);
  if (Number(request.headers.get("content-length") ?? 0) > MAX_BODY_BYTES) throw tooLarge;
  const body = await request.arrayBuffer();
  if (body.byteLength > MAX_BODY_BYTES) throw tooLarge;
  return body;
}

function picked(from: Headers, names: readonly string[]): Headers {
  const to = new Headers();
  for (const name of names) {
    const value = from.get(name);
    if (value !== null) to.set(name, value);
  }
  return to;
}
