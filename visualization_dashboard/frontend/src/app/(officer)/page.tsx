import { Suspense } from "react";
import { FeedWidget } from "@/features/feed/feed-widget";
import { FiguresWidget } from "@/features/figures/figures-widget";
import { QueueWidget } from "@/features/queue/queue-widget";

/** The officer's home: what to do next, and what is going on. */
export default function Home() {
  return (
    <main className="flex min-h-0 flex-1 flex-col gap-3 p-3">
      <h1 className="sr-only">Officer home</h1>
      <FiguresWidget />
      <div className="grid min-h-0 flex-1 grid-cols-[minmax(0,1fr)_25rem] gap-3 xl:grid-cols-[minmax(0,1fr)_28rem] 2xl:grid-cols-[minmax(0,1fr)_34rem]">
        <QueueWidget className="min-h-0" />
        <Suspense>
          <FeedWidget className="min-h-0" />
        </Suspense>
      </div>
    </main>
  );
}
