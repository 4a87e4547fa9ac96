"use client";

import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { fetchFigures } from "@/api/client";
import { keys } from "@/api/keys";
import { type Figures, OUTCOMES } from "@/api/model";
import { count, decimal, latency, money, moneyCompact, percent, span } from "@/lib/format";
import { OUTCOME_LOOKS } from "@/ui/outcome";
import { ErrorState, Skeleton, StaleNote } from "@/ui/states";
import { Boundary } from "@/ui/widget";

const RENEW_MS = 2_000;

/** The headline of the last hour or so, in one strip. */
export function FiguresWidget() {
  const query = useQuery({
    queryKey: keys.figures,
    queryFn: ({ signal }) => fetchFigures(signal),
    refetchInterval: RENEW_MS,
  });
  return (
    <section aria-label="Key figures" className="min-h-19 shrink-0 rounded-lg border border-line bg-surface shadow-panel">
      <Boundary>
        {query.data !== undefined ? (
          <Strip figures={query.data} stale={query.isError ? <StaleNote error={query.error} /> : null} />
        ) : query.isError ? (
          <ErrorState title="No figures." isInline error={query.error} onRetry={() => void query.refetch()} />
        ) : (
          <Loading />
        )}
      </Boundary>
    </section>
  );
}

function Strip({ figures, stale }: { figures: Figures; stale: ReactNode }) {
  const window = `last ${span(figures.windowS * 1_000)}`;
  return (
    <dl className="grid grid-cols-[repeat(4,minmax(0,1fr))_minmax(0,2.4fr)] divide-x divide-line">
      <Figure label="Decisions per second" detail={`${count(figures.decisions)} in the ${window}`}>
        {decimal(figures.decisionsPerS, figures.decisionsPerS < 10 ? 1 : 0)}
      </Figure>
      <Figure
        label="Latency, 99th percentile"
        detail={figures.p50LatencyMs === null ? "no decisions lately" : `median ${latency(figures.p50LatencyMs)}`}
      >
        {figures.p99LatencyMs === null ? "–" : latency(figures.p99LatencyMs)}
      </Figure>
      <Figure label="Stopped amount" detail={window} title={money(figures.stopped)}>
        {moneyCompact(figures.stopped)}
      </Figure>
      <Figure label="Open cases" detail={`${count(figures.alertsOpen)} alerts to judge`}>
        {count(figures.casesOpen)}
      </Figure>
      <div className="min-w-0 px-4 py-3">
        <dt className="label-caps flex items-center justify-between gap-2">
          <span>Outcomes, {window}</span>
          {stale ?? <DeadLetters number={figures.deadLetters} />}
        </dt>
        <dd className="mt-2">
          <Outcomes figures={figures} />
        </dd>
      </div>
    </dl>
  );
}

function DeadLetters({ number }: { number: number }) {
  if (number === 0) return null;
  return (
    <span className="truncate text-challenge" title="Records that could not be read, kept with their reason">
      {count(number)} unreadable records
    </span>
  );
}

function Figure({ label, detail, title, children }: { label: string; detail: string; title?: string; children: string }) {
  return (
    <div className="min-w-0 px-4 py-3">
      <dt className="label-caps truncate" title={label}>{label}</dt>
      <dd title={title} className="truncate text-xl leading-7 font-semibold tracking-tight">{children}</dd>
      <dd className="truncate text-2xs text-muted" title={detail}>{detail}</dd>
    </div>
  );
}

/** Shares as one bar with a legend in words; approvals are so many that the bar gives the others a minimum width. */
function Outcomes({ figures }: { figures: Figures }) {
  const all = Math.max(1, figures.decisions);
  return (
    <>
      <svg viewBox="0 0 100 4" preserveAspectRatio="none" className="h-1.5 w-full rounded" aria-hidden="true">
        {segments(figures).map(({ outcome, x, width }) => (
          <rect key={outcome} x={x} width={width} height="4" fill="currentColor" className={OUTCOME_LOOKS[outcome].text} />
        ))}
      </svg>
      <ul className="mt-1.5 flex gap-x-4 overflow-hidden">
        {OUTCOMES.map((outcome) => {
          const { label, Icon, text } = OUTCOME_LOOKS[outcome];
          return (
            <li key={outcome} title={`${count(figures.byOutcome[outcome])} ${label.toLowerCase()}`} className="flex items-center gap-1 text-xs whitespace-nowrap">
              <Icon className={`size-3.5 ${text}`} />
              <span className="font-medium">{percent(figures.byOutcome[outcome] / all)}</span>
              <span className="hidden text-muted xl:inline">{label.toLowerCase()}</span>
              <span className="sr-only xl:hidden">{label}</span>
            </li>
          );
        })}
      </ul>
    </>
  );
}

const MIN_WIDTH = 1;

function segments(figures: Figures) {
  const widths = OUTCOMES.map((outcome) => {
    const number = figures.byOutcome[outcome];
    return { outcome, width: number === 0 ? 0 : Math.max(MIN_WIDTH, (100 * number) / Math.max(1, figures.decisions)) };
  });
  const total = Math.max(1, widths.reduce((sum, w) => sum + w.width, 0));
  let x = 0;
  return widths.map(({ outcome, width }) => {
    const scaled = (100 * width) / total;
    const segment = { outcome, x, width: scaled };
    x += scaled;
    return segment;
  });
}

function Loading() {
  return (
    <div role="status" aria-label="Loading" className="grid grid-cols-[repeat(4,minmax(0,1fr))_minmax(0,2.4fr)] divide-x divide-line">
      {["rate", "latency", "stopped", "cases", "outcomes"].map((key) => (
        <div key={key} className="space-y-2 px-4 py-3.5">
          <Skeleton className="h-3 w-20" />
          <Skeleton className="h-5 w-14" />
          <Skeleton className="h-2 w-24" />
        </div>
      ))}
    </div>
  );
}
