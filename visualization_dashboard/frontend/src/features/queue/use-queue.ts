"use client";

import { useInfiniteQuery, useMutation, useQueryClient } from "@tanstack/react-query";
import { useRouter } from "next/navigation";
import { fetchCases, openNextCase } from "@/api/client";
import { keys } from "@/api/keys";
import type { CaseStatus } from "@/api/model";
import { describe } from "@/ui/states";
import { useToast } from "@/ui/toast";

const RENEW_MS = 10_000;
const MAX_PAGES = 8;

export function caseHref(caseId: string): string {
  return `/cases/${encodeURIComponent(caseId)}`;
}

/** The queue, a page at a time; new alerts renew it through the feed, the interval is for a feed that is down. */
export function useQueue(status: CaseStatus) {
  const query = useInfiniteQuery({
    queryKey: keys.caseList(status),
    queryFn: ({ pageParam, signal }) => fetchCases({ status, cursor: pageParam }, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.nextCursor,
    maxPages: MAX_PAGES,
    refetchInterval: RENEW_MS,
  });
  const pages = query.data?.pages ?? [];
  return { query, cases: pages.flatMap((page) => page.items), total: pages.at(-1)?.total ?? 0 };
}

/**
 * Reserves the next best case and goes there. `leaving` is the case on screen: where the server offers that one
 * again (it is still reserved for this officer), the case after it in the queue is opened instead.
 */
export function useNextCase(leaving?: string) {
  const queries = useQueryClient();
  const router = useRouter();
  const toast = useToast();
  const neighbours = useNeighbours(leaving);
  return useMutation({
    mutationFn: openNextCase,
    onSuccess: (next) => {
      void queries.invalidateQueries({ queryKey: keys.cases });
      if (next === null) {
        toast.show({ tone: "done", text: "The queue is empty: no case is waiting." });
        router.push("/");
        return;
      }
      queries.setQueryData(keys.case(next.caseId), next);
      const target = next.caseId === leaving ? neighbours.next : next.caseId;
      if (target === undefined) toast.show({ tone: "done", text: "This is the last open case." });
      else router.push(caseHref(target));
    },
    onError: (error) => toast.show({ tone: "failed", text: `No next case: ${describe(error)}` }),
  });
}

/** The cases before and after this one in the queue as it was last seen; the first one for a case that left it. */
export function useNeighbours(caseId: string | undefined): { previous: string | undefined; next: string | undefined } {
  const { cases } = useQueue("open");
  const index = cases.findIndex((c) => c.caseId === caseId);
  return { previous: index > 0 ? cases[index - 1]?.caseId : undefined, next: cases[index + 1]?.caseId };
}
