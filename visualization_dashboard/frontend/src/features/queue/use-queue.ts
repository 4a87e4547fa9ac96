"use client";

import { useInfiniteQuery, useMutation, useQueryClient } from "@tanstack/react-query";
import { useRouter } from "next/navigation";
import { fetchCases, openNextCase } from "@/api/client";
import { keys } from "@/api/keys";
import type { CaseDetail, CaseStatus } from "@/api/model";
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

/** Reserves the next best case and goes there. `leaving` is the case on screen: it is given back, not offered again. */
export function useNextCase(leaving: string | null) {
  const queries = useQueryClient();
  const router = useRouter();
  const toast = useToast();
  const isOnOpenCase = () => leaving !== null && queries.getQueryData<CaseDetail>(keys.case(leaving))?.status === "open";
  return useMutation({
    mutationFn: () => openNextCase(leaving),
    onSuccess: (next) => {
      void queries.invalidateQueries({ queryKey: keys.cases });
      if (next !== null) {
        queries.setQueryData(keys.case(next.caseId), next);
        router.push(caseHref(next.caseId));
      } else if (isOnOpenCase()) {
        toast.show({ tone: "done", text: "No other case is free." });
      } else {
        toast.show({ tone: "done", text: "The queue is empty: no case is waiting." });
        router.push("/");
      }
    },
    onError: (error) => toast.show({ tone: "failed", text: `No next case: ${describe(error)}` }),
  });
}

/** The cases before and after this one in the queue as it was last seen; the first one for a case that left it. */
export function useNeighbours(caseId: string): { previous: string | undefined; next: string | undefined } {
  const { cases } = useQueue("open");
  const index = cases.findIndex((c) => c.caseId === caseId);
  return { previous: index > 0 ? cases[index - 1]?.caseId : undefined, next: cases[index + 1]?.caseId };
}
