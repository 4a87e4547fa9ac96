import Link from "next/link";
import type { CaseSummary } from "@/api/model";
import { count, money, shortId } from "@/lib/format";
import { useNow } from "@/lib/now";
import { BanIcon, CheckIcon, LockIcon } from "@/ui/icons";
import { Meter } from "@/ui/meter";
import { Due, Time } from "@/ui/time";
import { caseHref } from "./use-queue";

const HEAD = "sticky top-0 z-10 border-b border-line bg-surface px-3 py-2 label-caps whitespace-nowrap first:pl-4 last:pr-4";
const CELL = "border-b border-line px-3 py-2 first:pl-4 last:pr-4";

export function QueueTable({ cases }: { cases: readonly CaseSummary[] }) {
  return (
    <table className="w-full border-separate border-spacing-0 text-[13px]">
      <thead>
        <tr className="text-left">
          <th scope="col" className={HEAD}>Priority</th>
          <th scope="col" className={HEAD}>Due</th>
          <th scope="col" className={`${HEAD} w-full`}>Why</th>
          <th scope="col" className={`${HEAD} text-right`}>Alerts</th>
          <th scope="col" className={`${HEAD} text-right`}>At risk</th>
          <th scope="col" className={`${HEAD} hidden text-right xl:table-cell`}>Risk</th>
        </tr>
      </thead>
      <tbody>
        {cases.map((c) => (
          <Row key={c.caseId} summary={c} />
        ))}
      </tbody>
    </table>
  );
}

function Row({ summary: c }: { summary: CaseSummary }) {
  return (
    <tr className="group relative focus-within:bg-accent-soft hover:bg-raised">
      <td className={CELL}><Meter value={c.priority} label="Priority" /></td>
      <td className={CELL}>{c.closedAt === null ? <Due at={c.dueAt} /> : <Verdict summary={c} />}</td>
      <td className={`${CELL} max-w-0`}>
        <Link
          href={caseHref(c.caseId)}
          prefetch={false}
          data-case={c.caseId}
          className="block truncate font-medium after:absolute after:inset-0 focus-visible:outline-none focus-visible:after:outline-2 focus-visible:after:-outline-offset-2 focus-visible:after:outline-accent"
        >
          {c.topReason.text}
        </Link>
        <span className="flex items-center gap-2 font-mono text-2xs text-muted">
          <span className="truncate">{shortId(c.customerId, 22)}</span>
          <Reserved summary={c} />
        </span>
      </td>
      <td className={`${CELL} text-right`}>{count(c.alertCount)}</td>
      <td className={`${CELL} text-right font-medium whitespace-nowrap`}>{money(c.atRisk)}</td>
      <td className={`${CELL} hidden text-right xl:table-cell`}><Meter value={c.riskScore} label="Risk score" /></td>
    </tr>
  );
}

function Reserved({ summary }: { summary: CaseSummary }) {
  const now = useNow();
  if (summary.assignedTo === null || (summary.lockedUntil ?? 0) < now) return null;
  return (
    <span className="inline-flex items-center gap-1 font-sans whitespace-nowrap">
      <LockIcon className="size-3" />
      {summary.assignedTo}
    </span>
  );
}

function Verdict({ summary }: { summary: CaseSummary }) {
  const isFraud = summary.verdict === "fraud";
  return (
    <span className="whitespace-nowrap">
      <span className={`flex items-center gap-1 font-medium ${isFraud ? "text-decline" : "text-approve"}`}>
        {isFraud ? <BanIcon className="size-3.5" /> : <CheckIcon className="size-3.5" />}
        {isFraud ? "Fraud" : "Legitimate"}
      </span>
      {summary.closedAt !== null && <Time at={summary.closedAt} className="text-2xs text-muted" />}
    </span>
  );
}
