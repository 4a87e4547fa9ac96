import Link from "next/link";
import type { ReactNode } from "react";
import type { CaseDetail } from "@/api/model";
import { count, money } from "@/lib/format";
import { Button } from "@/ui/button";
import { CopyId } from "@/ui/copy-id";
import { ArrowLeftIcon, BanIcon, CheckIcon } from "@/ui/icons";
import { Meter } from "@/ui/meter";
import { StaleNote } from "@/ui/states";
import { Due, Time } from "@/ui/time";

interface Props {
  detail: CaseDetail;
  staleError: Error | null;
  onNext: () => void;
  isNextPending: boolean;
}

export function CaseHeader({ detail, staleError, onNext, isNextPending }: Props) {
  return (
    <header className="flex shrink-0 items-center gap-x-5 gap-y-2 border-b border-line bg-surface px-4 py-2.5">
      <Link href="/" aria-label="Back to the queue" title="Back to the queue (Esc)" className="rounded p-1 text-muted hover:bg-raised hover:text-ink">
        <ArrowLeftIcon />
      </Link>
      <div className="min-w-0 flex-1">
        <h1 className="truncate text-[15px] font-semibold" title={detail.topReason.text}>{detail.topReason.text}</h1>
        <div className="flex items-center gap-3 text-xs text-muted">
          <CopyId id={detail.caseId} what="case id" length={14} />
          <span className="hidden items-center gap-1 xl:inline-flex">Customer <CopyId id={detail.customerId} what="customer id" length={16} /></span>
          {staleError !== null && <StaleNote error={staleError} />}
        </div>
      </div>
      <dl className="flex items-center gap-5 text-[13px]">
        <Item label="At risk"><span className="font-semibold">{money(detail.atRisk)}</span></Item>
        <Item label="Risk"><Meter value={detail.riskScore} label="Risk score" /></Item>
        <Item label="Alerts">{count(detail.alertCount)}</Item>
        <Item label="Opened" wide><Time at={detail.openedAt} /></Item>
        {detail.status === "open" ? <Item label="Due"><Due at={detail.dueAt} /></Item> : <Item label="Verdict"><Closed detail={detail} /></Item>}
      </dl>
      <Button shortcut="N" disabled={isNextPending} onClick={onNext}>Next best case</Button>
    </header>
  );
}

function Item({ label, wide = false, children }: { label: string; wide?: boolean; children: ReactNode }) {
  return (
    <div className={wide ? "hidden xl:block" : ""}>
      <dt className="label-caps">{label}</dt>
      <dd className="whitespace-nowrap">{children}</dd>
    </div>
  );
}

function Closed({ detail }: { detail: CaseDetail }) {
  const isFraud = detail.verdict === "fraud";
  const Icon = isFraud ? BanIcon : CheckIcon;
  return (
    <span className={`inline-flex items-center gap-1 font-medium ${isFraud ? "text-decline" : "text-approve"}`}>
      <Icon className="size-3.5" />
      {isFraud ? "Fraud" : "Legitimate"}
    </span>
  );
}
