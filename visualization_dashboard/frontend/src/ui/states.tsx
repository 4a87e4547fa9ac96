import type { ComponentType, ReactNode } from "react";
import { ApiProblem } from "@/api/problem";
import { Button } from "./button";
import { WarningIcon } from "./icons";

interface EmptyProps {
  Icon: ComponentType<{ className?: string }>;
  title: string;
  children?: ReactNode;
}

export function EmptyState({ Icon, title, children }: EmptyProps) {
  return (
    <div className="flex flex-1 flex-col items-center justify-center gap-1 p-8 text-center">
      <Icon className="mb-2 size-6 text-line-strong" />
      <p className="text-[13px] font-medium">{title}</p>
      {children !== undefined && <p className="max-w-sm text-xs text-muted">{children}</p>}
    </div>
  );
}

interface ErrorProps {
  title: string;
  error?: unknown;
  onRetry: () => void;
  /** One line, for a strip that must keep its height. */
  isInline?: boolean;
}

export function ErrorState({ title, error, onRetry, isInline = false }: ErrorProps) {
  if (isInline) {
    return (
      <div role="alert" className="flex h-19 items-center justify-center gap-2 px-4 text-[13px]">
        <WarningIcon className="text-decline" />
        <span className="font-medium">{title}</span>
        <span className="text-muted">{describe(error)}</span>
        <Button size="small" className="ml-2" onClick={onRetry}>
          Try again
        </Button>
      </div>
    );
  }
  return (
    <div role="alert" className="flex flex-1 flex-col items-center justify-center gap-1 p-6 text-center">
      <WarningIcon className="mb-2 size-6 text-decline" />
      <p className="text-[13px] font-medium">{title}</p>
      <p className="max-w-sm text-xs text-muted">{describe(error)}</p>
      <Button size="small" className="mt-3" onClick={onRetry}>
        Try again
      </Button>
    </div>
  );
}

/** What is shown is old, because the last attempt to renew it failed. */
export function StaleNote({ error }: { error: unknown }) {
  return (
    <span role="status" className="inline-flex items-center gap-1 text-xs text-challenge" title={describe(error)}>
      <WarningIcon className="size-3.5" />
      Not up to date
    </span>
  );
}

export function describe(error: unknown): string {
  return error instanceof ApiProblem ? error.detail : "Something went wrong on this page.";
}

const ROW_KEYS = ["a", "b", "c", "d", "e", "f", "g", "h"] as const;

export function SkeletonRows({ rows = 6 }: { rows?: number }) {
  return (
    <div role="status" aria-label="Loading" className="flex flex-1 flex-col">
      {ROW_KEYS.slice(0, rows).map((key) => (
        <div key={key} className="flex h-11 items-center gap-4 border-b border-line px-4">
          <Skeleton className="h-3 w-16" />
          <Skeleton className="h-3 flex-1" />
          <Skeleton className="h-3 w-20" />
        </div>
      ))}
    </div>
  );
}

export function Skeleton({ className }: { className: string }) {
  return <div aria-hidden="true" className={`animate-pulse rounded bg-raised ${className}`} />;
}
