"use client";

import { useRef, useState } from "react";
import type { TimelineEntry } from "@/api/model";
import { useShortcuts } from "@/features/keyboard/use-shortcuts";
import { day, money } from "@/lib/format";
import { categoryName } from "@/lib/merchant-category";
import { ClockIcon, InboxIcon, KeyIcon } from "@/ui/icons";
import { OUTCOME_LOOKS } from "@/ui/outcome";
import { EmptyState } from "@/ui/states";
import { Time } from "@/ui/time";
import { Widget } from "@/ui/widget";
import { CATEGORIES, type Category, groupTimeline, type TimelineItem } from "./timeline";

const LABELS = { payments: "Payments", customer: "Customer", case: "Case" } as const satisfies Record<Category, string>;

/** What happened around the customer, newest first. */
export function TimelinePanel({ timeline }: { timeline: readonly TimelineEntry[] }) {
  const [category, setCategory] = useState<Category | null>(null);
  const filters = useRef<HTMLDivElement>(null);
  useShortcuts({ "/": () => filters.current?.querySelector("button")?.focus() });
  const days = groupTimeline(timeline, category);
  return (
    <Widget
      title="Timeline"
      className="min-h-48 flex-1"
      actions={
        <div ref={filters} role="group" aria-label="Filter the timeline" className="flex gap-0.5">
          <Filter label="All" isOn={category === null} onClick={() => setCategory(null)} />
          {CATEGORIES.map((name) => (
            <Filter key={name} label={LABELS[name]} isOn={category === name} onClick={() => setCategory(name)} />
          ))}
        </div>
      }
    >
      <div className="min-h-0 flex-1 overflow-y-auto">
        {days.length === 0 && <EmptyState Icon={ClockIcon} title="Nothing here" />}
        {days.map(({ startsAt, items }) => (
          <section key={startsAt}>
            <h3 className="label-caps sticky top-0 border-b border-line bg-surface px-4 py-1">{day(startsAt)}</h3>
            <ol>
              {items.map((item) => (
                <li key={item.key} className="border-b border-line">
                  {item.entries.length === 1 ? <Entry entry={item.entries[0]} /> : <Folded item={item} />}
                </li>
              ))}
            </ol>
          </section>
        ))}
      </div>
    </Widget>
  );
}

function Filter({ label, isOn, onClick }: { label: string; isOn: boolean; onClick: () => void }) {
  const tone = isOn ? "bg-accent-soft text-accent" : "text-muted hover:bg-raised hover:text-ink";
  return (
    <button type="button" aria-pressed={isOn} onClick={onClick} className={`h-6 rounded px-1.5 text-xs font-medium ${tone}`}>
      {label}
    </button>
  );
}

function Entry({ entry }: { entry: TimelineEntry }) {
  const { payment } = entry;
  const look = payment === null ? null : OUTCOME_LOOKS[payment.outcome];
  const Icon = look?.Icon ?? (entry.kind === "customer_event" ? KeyIcon : InboxIcon);
  return (
    <div className="flex gap-2.5 px-4 py-1.5 text-[13px]">
      <Icon className={`mt-0.5 size-3.5 ${look?.text ?? "text-muted"}`} />
      <div className="min-w-0 flex-1">
        {payment === null ? (
          <p>{entry.text}</p>
        ) : (
          <p className="truncate">
            <span className="font-medium">{money(payment.amount)}</span>{" "}
            <span className={look?.text}>{look?.label.toLowerCase()}</span>
            <span className="text-muted"> · {categoryName(payment.mcc)} · {payment.country}</span>
          </p>
        )}
        {payment === null && entry.actor !== "" && <p className="text-2xs text-muted">{entry.actor}</p>}
      </div>
      <Time at={entry.at} show="clock" className="shrink-0 text-xs text-muted" />
    </div>
  );
}

function Folded({ item }: { item: TimelineItem }) {
  const amounts = item.entries.flatMap((e) => (e.payment === null ? [] : [e.payment.baseAmount]));
  const sorted = amounts.toSorted((a, b) => a.minor - b.minor);
  const [least, most] = [sorted[0], sorted.at(-1)];
  const { Icon, text } = OUTCOME_LOOKS.approve;
  return (
    <details>
      <summary className="flex gap-2.5 px-4 py-1.5 text-[13px] hover:bg-raised">
        <Icon className={`mt-0.5 size-3.5 ${text}`} />
        <span className="flex-1">
          {item.entries.length} approved payments
          {least !== undefined && most !== undefined && <span className="text-muted"> · {money(least)} to {money(most)}</span>}
        </span>
        <Time at={item.entries[0].at} show="clock" className="shrink-0 text-xs text-muted" />
      </summary>
      {item.entries.map((entry, index) => (
        <Entry key={`${entry.at}-${index}`} entry={entry} />
      ))}
    </details>
  );
}
