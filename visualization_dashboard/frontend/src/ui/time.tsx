"use client";

import { clock, dateTime, span, utc } from "@/lib/format";
import { useNow } from "@/lib/now";
import { ClockIcon, WarningIcon } from "./icons";

const DAY_MS = 86_400_000;

/** A moment in local time; its title says it in UTC. A moment of another day carries the date. */
export function Time({ at, className = "" }: { at: number; className?: string }) {
  const now = useNow();
  const isToday = Math.abs(now - at) < DAY_MS && new Date(now).getDate() === new Date(at).getDate();
  return (
    <time dateTime={new Date(at).toISOString()} title={utc(at)} className={className}>
      {isToday ? clock(at) : dateTime(at)}
    </time>
  );
}

/** How long is left, or how late it is: with an icon and words, not by colour alone. */
export function Due({ at }: { at: number }) {
  const left = at - useNow();
  const isLate = left < 0;
  const isSoon = left < 3_600_000;
  const Icon = isLate ? WarningIcon : ClockIcon;
  const tone = isLate ? "text-decline font-medium" : isSoon ? "text-challenge" : "text-muted";
  return (
    <time dateTime={new Date(at).toISOString()} title={utc(at)} className={`inline-flex items-center gap-1 whitespace-nowrap ${tone}`}>
      <Icon className="size-3.5" />
      {isLate ? `${span(left)} late` : `in ${span(left)}`}
    </time>
  );
}
