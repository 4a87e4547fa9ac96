"use client";

import { Component, type ReactNode } from "react";
import { ErrorState } from "./states";

interface Props {
  title: string;
  note?: ReactNode;
  actions?: ReactNode;
  className?: string;
  children: ReactNode;
}

/** A titled panel that loads and fails alone. */
export function Widget({ title, note, actions, className = "", children }: Props) {
  return (
    <section aria-label={title} className={`flex min-h-0 min-w-0 flex-col rounded-lg border border-line bg-surface shadow-panel ${className}`}>
      <header className="flex min-h-11 shrink-0 flex-wrap items-center gap-x-3 gap-y-1 border-b border-line px-4 py-1.5">
        <h2 className="text-[13px] font-semibold">{title}</h2>
        {note !== undefined && <div className="text-xs text-muted">{note}</div>}
        {actions !== undefined && <div className="ml-auto flex items-center gap-2">{actions}</div>}
      </header>
      <Boundary>{children}</Boundary>
    </section>
  );
}

/** Keeps an error of one widget inside it. */
export class Boundary extends Component<{ children: ReactNode }, { hasFailed: boolean }> {
  override state = { hasFailed: false };

  static getDerivedStateFromError() {
    return { hasFailed: true };
  }

  override render() {
    if (!this.state.hasFailed) return this.props.children;
    return <ErrorState title="This panel failed to draw" onRetry={() => this.setState({ hasFailed: false })} />;
  }
}
