"use client";

import { useEffect, useLayoutEffect, useRef, useState } from "react";
import type { FeedRow } from "@/api/model";
import { money } from "@/lib/format";
import { OUTCOME_LOOKS } from "@/ui/outcome";
import { FeedRowItem } from "./feed-row";

const ROW_PX = 45.5; // h-13 at a root size of 14 px
const SLIDE_MS = 240;
const MAX_SLID_ROWS = 8;
const ANNOUNCE_MS = 12_000;

interface Props {
  rows: readonly FeedRow[];
  caseOf: (customerId: string) => string | undefined;
}

/** New rows push the others down by a transform: nothing outside the list moves, and what is read stays readable. */
export function FeedList({ rows, caseOf }: Props) {
  const list = useRef<HTMLUListElement>(null);
  const newest = useRef<string | undefined>(undefined);

  useLayoutEffect(() => {
    const previous = newest.current;
    newest.current = rows[0]?.key;
    if (previous === undefined || previous === newest.current || list.current === null) return;
    if (window.matchMedia("(prefers-reduced-motion: reduce)").matches) return;
    const added = rows.findIndex((r) => r.key === previous);
    const distance = Math.min(added < 0 ? MAX_SLID_ROWS : added, MAX_SLID_ROWS) * ROW_PX;
    list.current.animate([{ transform: `translateY(-${distance}px)` }, { transform: "none" }], {
      duration: SLIDE_MS,
      easing: "cubic-bezier(0.2, 0, 0, 1)",
    });
  }, [rows]);

  return (
    <>
      <ul ref={list} aria-label="Decisions, newest first">
        {rows.map((row) => (
          <FeedRowItem key={row.key} row={row} caseId={row.outcome === "approve" ? undefined : caseOf(row.customerId)} />
        ))}
      </ul>
      <Announcer rows={rows} />
    </>
  );
}

/** Tells a screen reader of stopped payments in one sentence, and not more often than it can be listened to. */
function Announcer({ rows }: { rows: readonly FeedRow[] }) {
  const [sentence, setSentence] = useState("");
  const latest = useRef(rows);
  useEffect(() => {
    latest.current = rows;
  });
  useEffect(() => {
    let known = latest.current[0]?.key;
    const timer = setInterval(() => {
      const all = latest.current;
      const until = all.findIndex((r) => r.key === known);
      const fresh = all.slice(0, until < 0 ? all.length : until).filter((r) => r.outcome !== "approve");
      known = all[0]?.key;
      const [first] = fresh;
      if (first === undefined) return;
      const label = OUTCOME_LOOKS[first.outcome].label.toLowerCase();
      setSentence(`${fresh.length} stopped. Latest: ${money(first.amount)}, ${label}.`);
    }, ANNOUNCE_MS);
    return () => clearInterval(timer);
  }, []);
  return (
    <p role="status" aria-live="polite" className="sr-only">
      {sentence}
    </p>
  );
}
