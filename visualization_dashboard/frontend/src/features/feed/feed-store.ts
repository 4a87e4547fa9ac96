import { type CaseEvent, type FeedRow, type Outcome, OUTCOMES } from "@/api/model";

const MAX_ROWS_PER_KIND = 200;
const MAX_APPROVALS_PER_FLUSH = 2;
const MAX_CASES_KNOWN = 2_000;

export type LineState = "connecting" | "live" | "lost";

export interface FeedView {
  /** Newest first. */
  readonly rows: readonly FeedRow[];
  readonly line: LineState;
  readonly isPaused: boolean;
  /** Rows that came while paused and wait to be shown. */
  readonly heldBack: number;
  /** Events that the server did not send, because this page read too slowly. */
  readonly dropped: number;
}

const INITIAL_VIEW: FeedView = { rows: [], line: "connecting", isPaused: false, heldBack: 0, dropped: 0 };

/**
 * What the live feed shows, bounded in every direction. Rows wait in a buffer until `flush`, so that the page is
 * drawn once for many events. Approvals are thinned to what an eye can follow; everything else is shown.
 */
export class FeedStore {
  #rows: Record<Outcome, FeedRow[]> = { approve: [], challenge: [], review: [], decline: [] };
  #buffer: FeedRow[] = [];
  #seen = new Set<string>();
  #order = new Map<string, number>();
  #sequence = 0;
  #caseOfCustomer = new Map<string, string>();
  #hasNewCase = false;
  #view = INITIAL_VIEW;
  #listeners = new Set<() => void>();

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  readonly view = (): FeedView => this.#view;

  /** What the server drew: parts of the page wake up after the first rows have come. */
  readonly serverView = (): FeedView => INITIAL_VIEW;

  /** A row that is known already (a reconnect repeats the newest ones) is left out. */
  add(row: FeedRow): void {
    if (this.#seen.has(row.key)) return;
    this.#seen.add(row.key);
    this.#sequence += 1;
    this.#order.set(row.key, this.#sequence);
    this.#buffer.push(row);
    if (this.#buffer.length > MAX_ROWS_PER_KIND * OUTCOMES.length) this.#forget(this.#buffer.splice(0, 1));
  }

  addCaseEvent(event: CaseEvent): void {
    this.#hasNewCase = true;
    this.#caseOfCustomer.delete(event.customerId);
    if (event.kind !== "verdict") this.#caseOfCustomer.set(event.customerId, event.caseId);
    const oldest = this.#caseOfCustomer.keys().next();
    if (this.#caseOfCustomer.size > MAX_CASES_KNOWN && !oldest.done) this.#caseOfCustomer.delete(oldest.value);
  }

  /** The open case of a customer, as far as the feed has told. */
  caseOf(customerId: string): string | undefined {
    return this.#caseOfCustomer.get(customerId);
  }

  /** Moves waiting rows onto the page, or only counts them while paused. */
  flush(): void {
    if (this.#hasNewCase) {
      // Rows on the page may lead to it.
      this.#hasNewCase = false;
      this.#publish({});
    }
    if (this.#view.isPaused) {
      if (this.#view.heldBack !== this.#buffer.length) this.#publish({ heldBack: this.#buffer.length });
      return;
    }
    if (this.#buffer.length === 0) return;
    const isFirst = this.#view.rows.length === 0;
    const approvals = this.#buffer.filter((r) => r.outcome === "approve");
    const dropped = isFirst ? [] : approvals.slice(0, -MAX_APPROVALS_PER_FLUSH);
    this.#forget(dropped);
    for (const row of this.#buffer) {
      if (this.#seen.has(row.key)) this.#rows[row.outcome].push(row);
    }
    this.#buffer = [];
    for (const outcome of OUTCOMES) {
      const kept = this.#rows[outcome];
      this.#forget(kept.splice(0, Math.max(0, kept.length - MAX_ROWS_PER_KIND)));
    }
    const position = (row: FeedRow) => this.#order.get(row.key) ?? 0;
    const rows = OUTCOMES.flatMap((o) => this.#rows[o]).sort((a, b) => position(b) - position(a));
    this.#publish({ rows, heldBack: 0 });
  }

  setPaused(isPaused: boolean): void {
    this.#publish({ isPaused });
    this.flush();
  }

  setLine(line: LineState): void {
    if (line !== this.#view.line) this.#publish({ line });
  }

  addDropped(count: number): void {
    this.#publish({ dropped: this.#view.dropped + count });
  }

  #forget(rows: readonly FeedRow[]): void {
    for (const row of rows) {
      this.#seen.delete(row.key);
      this.#order.delete(row.key);
    }
  }

  #publish(change: Partial<FeedView>): void {
    this.#view = { ...this.#view, ...change };
    for (const notify of this.#listeners) notify();
  }
}
