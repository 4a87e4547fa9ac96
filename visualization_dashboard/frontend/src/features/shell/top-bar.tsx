"use client";

import Link from "next/link";
import { useFeed } from "@/features/feed/feed-provider";
import { KeyboardHelp } from "@/features/keyboard/help";
import { WarningIcon } from "@/ui/icons";
import type { ThemeChoice } from "./theme";
import { ThemeToggle } from "./theme-toggle";

export function TopBar({ theme }: { theme: ThemeChoice }) {
  return (
    <header className="flex h-12 shrink-0 items-center gap-4 border-b border-line bg-surface px-4">
      <Link href="/" className="flex items-center gap-2 text-sm font-semibold tracking-tight">
        <Mark />
        Fraudstream
      </Link>
      <span aria-hidden="true" className="h-4 w-px bg-line" />
      <span className="text-[13px] text-muted">Officers</span>
      <div className="ml-auto flex items-center gap-1">
        <LineLost />
        <KeyboardHelp />
        <ThemeToggle initial={theme} />
      </div>
    </header>
  );
}

function LineLost() {
  const { view } = useFeed();
  if (view.line !== "lost") return null;
  return (
    <span role="status" className="mr-2 inline-flex items-center gap-1.5 rounded bg-challenge-soft px-2 py-1 text-xs font-medium text-challenge">
      <WarningIcon className="size-3.5" />
      Connection lost, trying again
    </span>
  );
}

function Mark() {
  return (
    <svg viewBox="0 0 20 20" className="size-5 text-accent" aria-hidden="true">
      <rect width="20" height="20" rx="5" fill="currentColor" />
      <path d="M4 12.5h3l2-6 2.5 8 1.75-4.5H16" fill="none" strokeWidth="1.75" strokeLinecap="round" strokeLinejoin="round" className="stroke-on-accent" />
    </svg>
  );
}
