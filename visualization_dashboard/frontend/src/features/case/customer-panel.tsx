import type { ReactNode } from "react";
import type { Customer } from "@/api/model";
import { count, money } from "@/lib/format";
import { CopyId } from "@/ui/copy-id";
import { Time } from "@/ui/time";
import { Widget } from "@/ui/widget";

const MAX_COUNTRIES = 6;

export function CustomerPanel({ customerId, customer }: { customerId: string; customer: Customer }) {
  const hidden = customer.countries.length - MAX_COUNTRIES;
  return (
    <Widget title="Customer" className="shrink-0" actions={<CopyId id={customerId} what="customer id" length={18} />}>
      <dl className="grid grid-cols-3 gap-x-4 gap-y-2.5 px-4 py-3 text-[13px]">
        <Item label="Decided here">{count(customer.paymentCount)}</Item>
        <Item label="Stopped">{count(customer.stoppedCount)}</Item>
        <Item label="Cases">{count(customer.caseCount)}</Item>
        <Item label="Mean amount">{money(customer.meanAmount)}</Item>
        <Item label="Highest">{money(customer.maxAmount)}</Item>
        <Item label="Cards">{count(customer.cards)}</Item>
        <Item label="First decision">{customer.firstSeen === null ? "–" : <Time at={customer.firstSeen} show="date" />}</Item>
        <Item label="Countries" isWide>
          {customer.countries.slice(0, MAX_COUNTRIES).join(", ") || "–"}
          {hidden > 0 && ` and ${hidden} more`}
        </Item>
      </dl>
    </Widget>
  );
}

function Item({ label, isWide = false, children }: { label: string; isWide?: boolean; children: ReactNode }) {
  return (
    <div className={`min-w-0 ${isWide ? "col-span-2" : ""}`}>
      <dt className="label-caps">{label}</dt>
      <dd className="wrap-anywhere">{children}</dd>
    </div>
  );
}
