/** The order in which an officer reads what happened: by day, newest first, long runs of approvals folded. */
import type { TimelineEntry, TimelineKind } from "@/api/model";

export const CATEGORIES = ["payments", "customer", "case"] as const;
export type Category = (typeof CATEGORIES)[number];

const CATEGORY_OF: Readonly<Record<TimelineKind, Category>> = {
  decision: "payments",
  alert: "payments",
  authorisation: "payments",
  customer_event: "customer",
  label: "case",
  case_event: "case",
};

const MIN_FOLDED = 4;

export interface TimelineItem {
  readonly key: string;
  /** One entry, or a run of approved payments that is folded into one line. */
  readonly entries: readonly [TimelineEntry, ...TimelineEntry[]];
}

export interface TimelineDay {
  readonly startsAt: number;
  readonly items: readonly TimelineItem[];
}

export function isApproval(entry: TimelineEntry): boolean {
  return entry.payment?.outcome === "approve";
}

/** Days are local days. `category` null shows everything. */
export function groupTimeline(timeline: readonly TimelineEntry[], category: Category | null): TimelineDay[] {
  const chosen = timeline
    .filter((entry) => category === null || CATEGORY_OF[entry.kind] === category)
    .toSorted((a, b) => b.at - a.at);
  const days: { startsAt: number; entries: TimelineEntry[] }[] = [];
  for (const entry of chosen) {
    const startsAt = new Date(entry.at).setHours(0, 0, 0, 0);
    const today = days.at(-1);
    if (today?.startsAt === startsAt) today.entries.push(entry);
    else days.push({ startsAt, entries: [entry] });
  }
  return days.map(({ startsAt, entries }) => ({ startsAt, items: fold(entries, startsAt) }));
}

function fold(entries: readonly TimelineEntry[], dayKey: number): TimelineItem[] {
  const items: TimelineItem[] = [];
  let run: TimelineEntry[] = [];
  const flush = () => {
    const groups = run.length >= MIN_FOLDED ? [run] : run.map((entry) => [entry]);
    for (const [first, ...rest] of groups) {
      if (first !== undefined) items.push({ key: `${dayKey}-${items.length}`, entries: [first, ...rest] });
    }
    run = [];
  };
  for (const entry of entries) {
    if (!isApproval(entry)) flush();
    run.push(entry);
    if (!isApproval(entry)) flush();
  }
  flush();
  return items;
}
