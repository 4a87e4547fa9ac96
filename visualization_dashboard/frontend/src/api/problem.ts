/** An answer that is no success, in the words of RFC 9457. Status 0: there was no answer at all. */
export class ApiProblem extends Error {
  constructor(
    readonly status: number,
    readonly title: string,
    readonly detail: string,
  ) {
    super(`${title}: ${detail}`);
    this.name = "ApiProblem";
  }

  /** The same request may succeed a moment later. */
  get isTransient(): boolean {
    return this.status === 0 || this.status >= 500;
  }
}

/** Reads a problem document; anything else (a proxy's page, an empty body) becomes a problem by its status. */
export function problemFrom(status: number, body: unknown): ApiProblem {
  const fields = typeof body === "object" && body !== null ? (body as Record<string, unknown>) : {};
  const text = (name: string): string | undefined =>
    typeof fields[name] === "string" && fields[name] !== "" ? fields[name] : undefined;
  return new ApiProblem(status, text("title") ?? `Status ${status}`, text("detail") ?? "The server gave no reason.");
}
