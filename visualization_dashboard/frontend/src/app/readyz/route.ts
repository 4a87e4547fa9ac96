export const dynamic = "force-dynamic";

/** Pages can be served. A lost dashboard API is shown on the page, it does not take the page away. */
export function GET(): Response {
  return Response.json({ status: "ok" }, { headers: { "cache-control": "no-store" } });
}
