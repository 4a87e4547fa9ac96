"use client";

import { useRef, useState } from "react";
import type { CaseStatus } from "@/api/model";
import { useShortcuts } from "@/features/keyboard/use-shortcuts";
import { count } from "@/lib/format";
import { Button } from "@/ui/button";
import { ArrowRightIcon, InboxIcon } from "@/ui/icons";
import { EmptyState, ErrorState, SkeletonRows, StaleNote } from "@/ui/states";
import { Widget } from "@/ui/widget";
import { QueueTable } from "./queue-table";
import { useNextCase, useQueue } from "./use-queue";

/** Cases that wait for an officer, the next best one first. */
export function QueueWidget({ className }: { className: string }) {
  const [status, setStatus] = useState<CaseStatus>("open");
  const { query, cases, total } = useQueue(status);
  const next = useNextCase(null);
  const body = useRef<HTMLDivElement>(null);
  const openNext = () => {
    if (!next.isPending) next.mutate();
  };
  useShortcuts({ n: openNext, j: () => moveFocus(body.current, 1), k: () => moveFocus(body.current, -1) });

  return (
    <Widget
      title="Queue"
      className={className}
      note={query.isError && cases.length > 0 ? <StaleNote error={query.error} /> : query.isSuccess && <Total status={status} total={total} />}
      actions={
        <>
          <Tabs status={status} onChange={setStatus} />
          <Button tone="primary" shortcut="N" disabled={next.isPending} onClick={openNext}>
            Next best case
          </Button>
        </>
      }
    >
      <div ref={body} className="flex min-h-0 flex-1 flex-col overflow-y-auto overscroll-contain">
        {cases.length > 0 ? (
          <>
            <QueueTable cases={cases} />
            {query.hasNextPage && (
              <Button tone="quiet" className="m-2 shrink-0 self-center" disabled={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>
                {query.isFetchingNextPage ? "Loading…" : "Show more"}
                <ArrowRightIcon className="size-3.5 rotate-90" />
              </Button>
            )}
          </>
        ) : query.isPending ? (
          <SkeletonRows rows={8} />
        ) : query.isError ? (
          <ErrorState title="The queue could not be loaded" error={query.error} onRetry={() => void query.refetch()} />
        ) : (
          <EmptyState Icon={InboxIcon} title={status === "open" ? "The queue is empty" : "No case has been closed yet"}>
            {status === "open" ? "A stopped payment opens a case, and it appears here by itself." : "Cases appear here with their verdict."}
          </EmptyState>
        )}
      </div>
    </Widget>
  );
}

function Total({ status, total }: { status: CaseStatus; total: number }) {
  return (
    <span>
      {count(total)} {status}
    </span>
  );
}

function Tabs({ status, onChange }: { status: CaseStatus; onChange: (status: CaseStatus) => void }) {
  return (
    <div role="group" aria-label="Which cases" className="flex rounded-md bg-raised p-0.5">
      {(["open", "closed"] as const).map((name) => (
        <button
          key={name}
          type="button"
          aria-pressed={status === name}
          onClick={() => onChange(name)}
          className={`h-6 rounded px-2.5 text-xs font-medium capitalize ${status === name ? "bg-surface text-ink shadow-panel" : "text-muted hover:text-ink"}`}
        >
          {name}
        </button>
      ))}
    </div>
  );
}

/** Real focus moves along the links, so that Enter opens and a screen reader reads the case. */
function moveFocus(container: HTMLElement | null, step: 1 | -1): void {
  const links = [...(container?.querySelectorAll<HTMLElement>("a[data-case]") ?? [])];
  const here = links.indexOf(document.activeElement as HTMLElement);
  const target = links[here < 0 ? 0 : Math.max(0, Math.min(links.length - 1, here + step))];
  target?.focus();
  target?.scrollIntoView({ block: "nearest" });
}
