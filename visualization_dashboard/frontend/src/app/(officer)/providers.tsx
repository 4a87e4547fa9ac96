"use client";

import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { ApiProblem } from "@/api/problem";
import { FeedProvider } from "@/features/feed/feed-provider";
import { ToastProvider } from "@/ui/toast";

const MAX_RETRIES = 2;

export function Providers({ children }: { children: ReactNode }) {
  const [client] = useState(createQueryClient);
  return (
    <QueryClientProvider client={client}>
      <ToastProvider>
        <FeedProvider>{children}</FeedProvider>
      </ToastProvider>
    </QueryClientProvider>
  );
}

function createQueryClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        // The server may run on this machine: the browser's idea of being offline says nothing about it.
        networkMode: "always",
        staleTime: 1_000,
        retry: (failures, error) => failures < MAX_RETRIES && error instanceof ApiProblem && error.isTransient,
      },
      mutations: { networkMode: "always", retry: false },
    },
  });
}
