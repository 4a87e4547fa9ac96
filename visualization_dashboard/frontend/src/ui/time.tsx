"use client";

import { clock, date, dateTime, span, utc } from "@/lib/format";
import { useNow } from "@/lib/now";
import { ClockIcon, WarningIcon } from "./icons";

const DAY_MS = 86_400_000;

interface TimeProps {
  at: number;
  /** `auto`: the clock, with the date for another day. `clock` stands under a heading that names the day. */
  show?: "auto" | "clock" | "date";
  className?: string;
}

/** A moment in local time; its title says it in UTC. */
export function Time({ at, show = "auto", className = "" }: TimeProps) {
  const now = useNow();
  const isToday = Math.abs(now - at) < DAY_MS && new Date(now).getDate() === new Date(at).getDate();
  const text = show === "date" ? date(at) : show === "clock" || isToday ? clock(at) : dateTime(at);
  return (
    <time dateTime={new Date(at).toISOString()} title={utc(at)} className={className}>
      {text}
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
