import Link from "next/link";
import type { FeedRow } from "@/api/model";
import { money, score, shortId } from "@/lib/format";
import { categoryName, channelName } from "@/lib/merchant-category";
import { OutcomeBadge } from "@/ui/outcome";
import { Time } from "@/ui/time";

interface Props {
  row: FeedRow;
  caseId: string | undefined;
}

/** Two lines of fixed height, so that the list can be moved by whole rows. */
export function FeedRowItem({ row, caseId }: Props) {
  const isStopped = row.outcome !== "approve";
  const content = (
    <>
      <OutcomeBadge outcome={row.outcome} />
      <span className="min-w-0 flex-1">
        <span className="block truncate text-[13px]">{categoryName(row.mcc)}</span>
        <span className="block truncate text-2xs text-muted">
          {row.country} · {channelName(row.channel)} · {shortId(row.customerId, 20)}
        </span>
      </span>
      <span className="text-right">
        <span className={`block text-[13px] ${isStopped ? "font-semibold" : ""}`}>{money(row.amount)}</span>
        <span className="block text-2xs text-muted">
          <span title="Share of good payments that score lower">risk {score(row.riskScore)}</span> · <Time at={row.eventTime} />
        </span>
      </span>
    </>
  );
  const look = "flex h-13 items-center gap-3 border-b border-line px-4";
  return (
    <li data-outcome={row.outcome} data-transaction={row.transactionId}>
      {caseId === undefined ? (
        <div className={look}>{content}</div>
      ) : (
        <Link href={`/cases/${encodeURIComponent(caseId)}`} prefetch={false} className={`${look} hover:bg-raised -outline-offset-2`}>
          {content}
        </Link>
      )}
    </li>
  );
}
