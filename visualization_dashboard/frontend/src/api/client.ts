import createClient from "openapi-fetch";
import * as adapt from "./adapters";
import type { paths } from "./generated";
import type * as model from "./model";
import { ApiProblem, problemFrom } from "./problem";

const TIMEOUT_MS = 10_000;
export const PAGE_SIZE = 25;

// `fetch` is looked up for each call, so that tests can serve the answers.
const http = createClient<paths>({ baseUrl: typeof window === "undefined" ? "" : window.location.origin, fetch: (r) => fetch(r) });

/** Data of a successful answer. Throws ApiProblem for every other end of the request but its own cancellation. */
async function unwrap<T>(
  call: (signal: AbortSignal) => Promise<{ data?: T; error?: unknown; response: Response }>,
  signal?: AbortSignal,
): Promise<T> {
  const timeout = AbortSignal.timeout(TIMEOUT_MS);
  try {
    const { data, error, response } = await call(signal ? AbortSignal.any([signal, timeout]) : timeout);
    if (data !== undefined) return data;
    throw problemFrom(response.status, error);
  } catch (error) {
    if (error instanceof ApiProblem || signal?.aborted) throw error;
    const detail = timeout.aborted ? "No answer came in time." : "The server cannot be reached.";
    throw new ApiProblem(0, "No connection", detail);
  }
}

export async function fetchFigures(signal?: AbortSignal): Promise<model.Figures> {
  return adapt.figures(await unwrap((s) => http.GET("/api/figures", { signal: s }), signal));
}

export async function fetchCases(
  filter: { status: model.CaseStatus; cursor: string | null },
  signal?: AbortSignal,
): Promise<model.CasePage> {
  const query = {
    status: filter.status,
    sort: filter.status === "open" ? ("priority" as const) : ("newest" as const),
    limit: PAGE_SIZE,
    ...(filter.cursor === null ? {} : { cursor: filter.cursor }),
  };
  return adapt.casePage(await unwrap((s) => http.GET("/api/cases", { params: { query }, signal: s }), signal));
}

export async function fetchCase(caseId: string, signal?: AbortSignal): Promise<model.CaseDetail> {
  const params = { path: { case_id: caseId } };
  return adapt.caseDetail(await unwrap((s) => http.GET("/api/cases/{case_id}", { params, signal: s }), signal));
}

/**
 * Reserves the case that should be worked on next; null where no other case is free. The reservation of `leaving`, the
 * case on screen, ends with it.
 */
export async function openNextCase(leaving: string | null): Promise<model.CaseDetail | null> {
  const query = leaving === null ? {} : { leaving };
  try {
    return adapt.caseDetail(await unwrap((s) => http.POST("/api/cases/next", { params: { query }, signal: s })));
  } catch (error) {
    if (error instanceof ApiProblem && error.status === 404) return null;
    throw error;
  }
}

export async function giveVerdict(
  caseId: string,
  judged: { verdict: model.Verdict; note: string; version: number },
): Promise<model.CaseSummary> {
  const params = { path: { case_id: caseId } };
  const body = { verdict: judged.verdict, version: judged.version, note: judged.note.trim() || null };
  return adapt.caseSummary(
    await unwrap((s) => http.POST("/api/cases/{case_id}/verdict", { params, body, signal: s })),
  );
}
