"use client";

import { ErrorState } from "@/ui/states";

export default function PageError({ error, reset }: { error: Error; reset: () => void }) {
  return (
    <main className="flex h-dvh flex-col">
      <ErrorState title="This page failed" error={error} onRetry={reset} />
    </main>
  );
}
