"use client";

import { useRef } from "react";
import { OUTCOMES } from "@/api/model";
import { useShortcuts } from "@/features/keyboard/use-shortcuts";
import { count } from "@/lib/format";
import { Button } from "@/ui/button";
import { PauseIcon, PlayIcon, PulseIcon, WarningIcon } from "@/ui/icons";
import { OUTCOME_LOOKS } from "@/ui/outcome";
import { EmptyState, SkeletonRows } from "@/ui/states";
import { Widget } from "@/ui/widget";
import { FeedList } from "./feed-list";
import { useFeed } from "./feed-provider";
import type { LineState } from "./feed-store";
import { useOutcomeFilter } from "./use-outcome-filter";

/** Decisions as they are made. */
export function FeedWidget({ className }: { className: string }) {
  const { store, view } = useFeed();
  const { chosen, toggle, clear } = useOutcomeFilter();
  const filters = useRef<HTMLDivElement>(null);
  const togglePause = () => store.setPaused(!view.isPaused);
  useShortcuts({ p: togglePause, "/": () => filters.current?.querySelector("button")?.focus() });
  const rows = chosen.size === 0 ? view.rows : view.rows.filter((r) => chosen.has(r.outcome));

  return (
    <Widget
      title="Live feed"
      className={className}
      note={<Line state={view.line} isPaused={view.isPaused} />}
      actions={
        <Button size="small" shortcut="P" aria-pressed={view.isPaused} onClick={togglePause}>
          {view.isPaused ? <PlayIcon className="size-3.5" /> : <PauseIcon className="size-3.5" />}
          {view.isPaused ? `Resume${view.heldBack > 0 ? ` (${view.heldBack} new)` : ""}` : "Pause"}
        </Button>
      }
    >
      <div ref={filters} role="group" aria-label="Filter by outcome" className="flex shrink-0 flex-wrap gap-1 border-b border-line px-3 py-1.5">
        <Filter label="All" isOn={chosen.size === 0} onClick={clear} />
        {OUTCOMES.map((outcome) => (
          <Filter key={outcome} label={OUTCOME_LOOKS[outcome].label} isOn={chosen.has(outcome)} onClick={() => toggle(outcome)} />
        ))}
      </div>
      {view.dropped > 0 && <Dropped events={view.dropped} />}
      <div className="flex min-h-0 flex-1 flex-col overflow-y-auto overscroll-contain">
        {rows.length > 0 ? (
          <FeedList rows={rows} caseOf={(customerId) => store.caseOf(customerId)} />
        ) : view.line === "live" ? (
          <EmptyState Icon={PulseIcon} title={chosen.size > 0 ? "Nothing with this outcome yet" : "Waiting for the first decision"}>
            Decisions appear here the moment they are made.
          </EmptyState>
        ) : view.line === "lost" ? (
          <EmptyState Icon={WarningIcon} title="The feed is not reachable">
            It is tried again by itself. Queue and cases keep working as long as their server answers.
          </EmptyState>
        ) : (
          <SkeletonRows rows={8} />
        )}
      </div>
    </Widget>
  );
}

function Filter({ label, isOn, onClick }: { label: string; isOn: boolean; onClick: () => void }) {
  const tone = isOn ? "bg-accent-soft text-accent" : "text-muted hover:bg-raised hover:text-ink";
  return (
    <button type="button" aria-pressed={isOn} onClick={onClick} className={`h-6 rounded px-2 text-xs font-medium ${tone}`}>
      {label}
    </button>
  );
}

/** The newest events are kept by the server, and the queue holds every case: loading the page again brings both. */
function Dropped({ events }: { events: number }) {
  return (
    <p role="status" className="flex shrink-0 items-center gap-2 border-b border-line px-4 py-1 text-2xs text-muted">
      <span className="flex-1">
        {events === 1 ? "1 event was" : `${count(events)} events were`} not shown; the page was too slow. No case is missing from the queue.
      </span>
      <Button tone="quiet" size="small" onClick={() => window.location.reload()}>
        Reload
      </Button>
    </p>
  );
}

const LINES = {
  live: { text: "Live", dot: "bg-approve" },
  connecting: { text: "Connecting…", dot: "bg-challenge" },
  lost: { text: "Reconnecting…", dot: "bg-decline" },
} as const satisfies Record<LineState, unknown>;

function Line({ state, isPaused }: { state: LineState; isPaused: boolean }) {
  const { text, dot } = LINES[state];
  return (
    <span role="status" className="inline-flex items-center gap-1.5">
      <span aria-hidden="true" className={`size-1.5 rounded-full ${isPaused && state === "live" ? "bg-line-strong" : dot}`} />
      {isPaused && state === "live" ? "Paused" : text}
    </span>
  );
}
