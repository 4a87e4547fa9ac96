"use client";

import { usePathname, useSearchParams } from "next/navigation";
import { type Outcome, OUTCOMES } from "@/api/model";

/** The outcomes to show, kept in the address (`?outcome=review,decline`) so that a view can be shared. */
export function useOutcomeFilter(): { chosen: ReadonlySet<Outcome>; toggle: (outcome: Outcome) => void; clear: () => void } {
  const search = useSearchParams();
  const pathname = usePathname();
  const named = (search.get("outcome") ?? "").split(",");
  const chosen = new Set(OUTCOMES.filter((o) => named.includes(o)));

  function write(outcomes: readonly Outcome[]): void {
    const next = new URLSearchParams(search);
    next.delete("outcome");
    // Outcome names need no escaping, and a readable comma makes a readable address.
    const rest = [next.toString(), outcomes.length > 0 ? `outcome=${outcomes.join(",")}` : ""].filter(Boolean).join("&");
    window.history.replaceState(null, "", rest === "" ? pathname : `${pathname}?${rest}`);
  }

  return {
    chosen,
    toggle: (outcome) => write(OUTCOMES.filter((o) => chosen.has(o) !== (o === outcome))),
    clear: () => write([]),
  };
}
