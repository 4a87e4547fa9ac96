import type { ButtonHTMLAttributes, ReactNode } from "react";

const TONES = {
  primary: "border-accent bg-accent text-on-accent hover:opacity-90",
  plain: "border-line bg-surface text-ink hover:bg-raised",
  quiet: "border-transparent bg-transparent text-muted hover:bg-raised hover:text-ink",
  fraud: "border-decline bg-surface text-decline hover:bg-decline-soft",
  "fraud-solid": "border-decline bg-decline text-on-decline hover:opacity-90",
  legitimate: "border-approve bg-surface text-approve hover:bg-approve-soft",
  "legitimate-solid": "border-approve bg-approve text-on-approve hover:opacity-90",
} as const;

export type ButtonTone = keyof typeof TONES;

interface Props extends ButtonHTMLAttributes<HTMLButtonElement> {
  tone?: ButtonTone;
  size?: "small" | "normal" | "large";
  shortcut?: string;
  children: ReactNode;
}

const SIZES = { small: "h-7 px-2 text-xs", normal: "h-8 px-3 text-[13px]", large: "h-10 px-2.5 text-sm" } as const;

/** `shortcut` shows the key that does the same and tells it to assistive technology. */
export function Button({ tone = "plain", size = "normal", shortcut, children, className = "", ...rest }: Props) {
  return (
    <button
      type="button"
      aria-keyshortcuts={shortcut}
      className={`inline-flex items-center justify-center gap-1.5 rounded-md border font-medium whitespace-nowrap transition-colors disabled:opacity-50 ${SIZES[size]} ${TONES[tone]} ${className}`}
      {...rest}
    >
      {children}
      {shortcut !== undefined && <Key inherit>{shortcut}</Key>}
    </button>
  );
}

/** The cap of a key. */
export function Key({ children, inherit = false }: { children: string; inherit?: boolean }) {
  const tone = inherit ? "border-current/40" : "border-line bg-raised text-muted";
  return (
    <kbd aria-hidden={inherit} className={`inline-flex h-4.5 min-w-4.5 items-center justify-center rounded border px-1 font-sans text-2xs font-medium ${tone}`}>
      {children}
    </kbd>
  );
}
