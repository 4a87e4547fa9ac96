"use client";

import { useQuery, useQueryClient } from "@tanstack/react-query";
import Link from "next/link";
import { useRouter } from "next/navigation";
import { useEffect, useState } from "react";
import { fetchCase } from "@/api/client";
import { keys } from "@/api/keys";
import type { CaseDetail } from "@/api/model";
import { ApiProblem } from "@/api/problem";
import { useShortcuts } from "@/features/keyboard/use-shortcuts";
import { caseHref, useNeighbours, useNextCase } from "@/features/queue/use-queue";
import { InboxIcon } from "@/ui/icons";
import { EmptyState, ErrorState, Skeleton, SkeletonRows } from "@/ui/states";
import { Widget } from "@/ui/widget";
import { AlertsTable } from "./alerts-table";
import { CaseHeader } from "./case-header";
import { CustomerPanel } from "./customer-panel";
import { TimelinePanel } from "./timeline-panel";
import { VerdictPanel } from "./verdict-panel";
import { WhyPanel } from "./why-panel";

// Alerts that join the case are announced by the feed; this is for a feed that is down.
const RENEW_MS = 15_000;

/** One case: everything an officer needs to judge it, on one screen. */
export function CasePage({ caseId }: { caseId: string }) {
  const router = useRouter();
  const query = useQuery({
    queryKey: keys.case(caseId),
    queryFn: ({ signal }) => fetchCase(caseId, signal),
    refetchInterval: RENEW_MS,
  });
  const neighbours = useNeighbours(caseId);
  usePrefetched(neighbours.next);
  const isMissing = query.error instanceof ApiProblem && query.error.status === 404;
  // A case that does not exist can be left without giving anything back.
  const next = useNextCase(isMissing ? null : caseId);
  const openNext = () => {
    if (!next.isPending) next.mutate();
  };
  const go = (target: string | undefined) => {
    if (target !== undefined) router.push(caseHref(target));
  };
  useShortcuts({
    n: openNext,
    j: () => go(neighbours.next),
    k: () => go(neighbours.previous),
  });

  const error = query.error;
  if (query.data !== undefined) {
    return <Loaded key={caseId} detail={query.data} staleError={error} onReload={() => query.refetch()} onNext={openNext} isNextPending={next.isPending} />;
  }
  if (isMissing) return <Missing caseId={caseId} />;
  if (error !== null) return <ErrorState title="The case could not be loaded" error={error} onRetry={() => void query.refetch()} />;
  return <Loading />;
}

/** The case after this one is at hand when J is pressed. Reading a case changes nothing on the server. */
function usePrefetched(caseId: string | undefined): void {
  const queries = useQueryClient();
  useEffect(() => {
    if (caseId === undefined) return;
    const ahead = queries.query({
      queryKey: keys.case(caseId),
      queryFn: ({ signal }) => fetchCase(caseId, signal),
      staleTime: RENEW_MS,
    });
    // Its page asks again and shows what is wrong.
    ahead.catch(() => undefined);
  }, [caseId, queries]);
}

interface LoadedProps {
  detail: CaseDetail;
  staleError: Error | null;
  onReload: () => Promise<unknown>;
  onNext: () => void;
  isNextPending: boolean;
}

function Loaded({ detail, staleError, onReload, onNext, isNextPending }: LoadedProps) {
  const [chosenId, setChosenId] = useState<string | null>(null);
  const riskiest = detail.alerts.toSorted(
    (a, b) => b.riskScore - a.riskScore || b.baseAmount.minor - a.baseAmount.minor,
  )[0];
  const chosen = detail.alerts.find((a) => a.alertId === chosenId) ?? riskiest;
  return (
    <main className="flex min-h-0 flex-1 flex-col">
      <CaseHeader detail={detail} staleError={staleError} onNext={onNext} isNextPending={isNextPending} />
      <div className="grid min-h-0 flex-1 grid-cols-[minmax(0,1fr)_22rem] gap-3 p-3 xl:grid-cols-[minmax(0,1fr)_27rem]">
        <div className="flex min-h-0 flex-col gap-3 overflow-y-auto">
          <WhyPanel alert={chosen} others={detail.alerts} />
          <AlertsTable alerts={detail.alerts} chosen={chosen?.alertId} onChoose={setChosenId} />
        </div>
        <div className="flex min-h-0 flex-col gap-3">
          <VerdictPanel detail={detail} onReload={onReload} onNext={onNext} />
          <CustomerPanel customerId={detail.customerId} customer={detail.customer} />
          <TimelinePanel timeline={detail.timeline} />
        </div>
      </div>
    </main>
  );
}

function Missing({ caseId }: { caseId: string }) {
  const router = useRouter();
  useShortcuts({ Escape: () => router.push("/") });
  return (
    <main className="flex flex-1 flex-col">
      <EmptyState Icon={InboxIcon} title="There is no such case">
        {`No case has the id ${caseId}.`}{" "}
        <Link href="/" className="text-accent underline underline-offset-2">
          Back to the queue
        </Link>
      </EmptyState>
    </main>
  );
}

function Loading() {
  return (
    <main className="flex min-h-0 flex-1 flex-col" aria-busy="true">
      <div className="flex h-16 items-center gap-6 border-b border-line bg-surface px-4">
        <Skeleton className="h-5 w-64" />
        <Skeleton className="h-5 w-40" />
      </div>
      <div className="grid flex-1 grid-cols-[minmax(0,1fr)_22rem] gap-3 p-3 xl:grid-cols-[minmax(0,1fr)_27rem]">
        <Widget title="Why it was stopped"><SkeletonRows rows={8} /></Widget>
        <Widget title="Verdict"><SkeletonRows rows={4} /></Widget>
      </div>
    </main>
  );
}
