"use client";

import { useToast } from "@/ui/toast";
import { shortId } from "@/lib/format";
import { CopyIcon } from "./icons";

/** An id in short, which a click copies in full. */
export function CopyId({ id, what, length = 11 }: { id: string; what: string; length?: number }) {
  const toast = useToast();
  async function copy() {
    try {
      await navigator.clipboard.writeText(id);
      toast.show({ tone: "done", text: `Copied ${what}` });
    } catch {
      // Browsers give the clipboard to secure origins only; the id can still be selected by hand.
      toast.show({ tone: "failed", text: `The browser refuses the clipboard. The ${what} is ${id}` });
    }
  }
  return (
    <button
      type="button"
      title={id}
      aria-label={`Copy ${what} ${id}`}
      onClick={() => void copy()}
      className="group inline-flex items-center gap-1 rounded font-mono text-xs whitespace-nowrap text-muted hover:text-ink"
    >
      {shortId(id, length)}
      <CopyIcon className="size-3 opacity-50 group-hover:opacity-100" />
    </button>
  );
}
