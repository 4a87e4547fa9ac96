"use client";

import { useQueryClient } from "@tanstack/react-query";
import { createContext, type ReactNode, use, useEffect, useState, useSyncExternalStore } from "react";
import { listenToFeed } from "@/api/feed";
import { keys } from "@/api/keys";
import { FeedStore, type FeedView } from "./feed-store";

const FLUSH_MS = 600;
const RENEW_MS = 1_500;

const FeedContext = createContext<FeedStore | null>(null);

/** One connection for all pages: it fills the feed, and tells lists and cases when they have become old. */
export function FeedProvider({ children }: { children: ReactNode }) {
  const [store] = useState(() => new FeedStore());
  const queries = useQueryClient();

  useEffect(() => {
    const changed = new Set<string>();
    const stop = listenToFeed({
      onDecision: (row) => store.add(row),
      onCaseEvent: (event) => {
        store.addCaseEvent(event);
        if (event.kind !== "viewed") changed.add(event.caseId);
      },
      onLine: (isLive) => store.setLine(isLive ? "live" : "lost"),
      onDropped: (count) => store.addDropped(count),
    });
    const flushing = setInterval(() => store.flush(), FLUSH_MS);
    // Case events come in bursts; the lists are asked for again once for a burst.
    const renewing = setInterval(() => {
      if (changed.size === 0) return;
      for (const caseId of changed) void queries.invalidateQueries({ queryKey: keys.case(caseId) });
      void queries.invalidateQueries({ queryKey: keys.cases });
      changed.clear();
    }, RENEW_MS);
    return () => {
      stop();
      clearInterval(flushing);
      clearInterval(renewing);
    };
  }, [store, queries]);

  return <FeedContext value={store}>{children}</FeedContext>;
}

export function useFeed(): { store: FeedStore; view: FeedView } {
  const store = use(FeedContext);
  if (store === null) throw new Error("useFeed needs a FeedProvider above it");
  return { store, view: useSyncExternalStore(store.subscribe, store.view, store.serverView) };
}
