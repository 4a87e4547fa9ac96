"use client";

import { createContext, type ReactNode, use, useCallback, useEffect, useMemo, useRef, useState } from "react";
import { CheckIcon, CloseIcon, WarningIcon } from "./icons";

const SHOWN_MS = 6_000;
const MAX_SHOWN = 3;

export interface Notice {
  tone: "done" | "failed";
  text: string;
}

interface Shown extends Notice {
  id: number;
}

const ToastContext = createContext<{ show: (notice: Notice) => void } | null>(null);

/** Short messages that outlive a change of page. */
export function ToastProvider({ children }: { children: ReactNode }) {
  const [shown, setShown] = useState<readonly Shown[]>([]);
  const nextId = useRef(0);
  const drop = useCallback((id: number) => setShown((all) => all.filter((n) => n.id !== id)), []);
  const show = useCallback((notice: Notice) => {
    nextId.current += 1;
    const id = nextId.current;
    setShown((all) => [...all, { ...notice, id }].slice(-MAX_SHOWN));
  }, []);
  const value = useMemo(() => ({ show }), [show]);
  return (
    <ToastContext value={value}>
      {children}
      <div role="status" aria-live="polite" className="pointer-events-none fixed inset-x-0 bottom-4 z-50 flex flex-col items-center gap-2">
        {shown.map((notice) => (
          <Toast key={notice.id} notice={notice} onEnd={() => drop(notice.id)} />
        ))}
      </div>
    </ToastContext>
  );
}

export function useToast(): { show: (notice: Notice) => void } {
  const value = use(ToastContext);
  if (value === null) throw new Error("useToast needs a ToastProvider above it");
  return value;
}

function Toast({ notice, onEnd }: { notice: Shown; onEnd: () => void }) {
  const end = useRef(onEnd);
  useEffect(() => {
    end.current = onEnd;
  });
  useEffect(() => {
    const timer = setTimeout(() => end.current(), SHOWN_MS);
    return () => clearTimeout(timer);
  }, []);
  const Icon = notice.tone === "done" ? CheckIcon : WarningIcon;
  return (
    <div className="pointer-events-auto flex max-w-xl items-center gap-2 rounded-lg border border-line bg-surface py-2 pr-2 pl-3 text-[13px] shadow-float">
      <Icon className={notice.tone === "done" ? "text-approve" : "text-decline"} />
      <span>{notice.text}</span>
      <button type="button" aria-label="Dismiss" onClick={onEnd} className="rounded p-1 text-muted hover:bg-raised">
        <CloseIcon className="size-3.5" />
      </button>
    </div>
  );
}
