import type { CaseAlert } from "@/api/model";
import { money } from "@/lib/format";
import { categoryName, channelName } from "@/lib/merchant-category";
import { CopyId } from "@/ui/copy-id";
import { Meter } from "@/ui/meter";
import { OutcomeBadge } from "@/ui/outcome";
import { Time } from "@/ui/time";
import { Widget } from "@/ui/widget";

interface Props {
  alerts: readonly CaseAlert[];
  chosen: string | undefined;
  onChoose: (alertId: string) => void;
}

const HEAD = "sticky top-0 bg-surface border-b border-line px-2 py-2 label-caps whitespace-nowrap first:pl-4 last:pr-4";
const CELL = "border-b border-line px-2 py-2 first:pl-4 last:pr-4";

/** The stopped payments of the case; the chosen one is explained above. */
export function AlertsTable({ alerts, chosen, onChoose }: Props) {
  return (
    <Widget title="Stopped payments" note={`${alerts.length} in this case; choose one to see why`} className="shrink-0">
      <table className="w-full border-separate border-spacing-0 text-[13px]">
        <thead>
          <tr className="text-left">
            <th scope="col" className={HEAD}>Time</th>
            <th scope="col" className={HEAD}>Outcome</th>
            <th scope="col" className={`${HEAD} w-full`}>Merchant</th>
            <th scope="col" className={`${HEAD} text-right`}>Amount</th>
            <th scope="col" className={`${HEAD} text-right`}>Risk</th>
            <th scope="col" className={`${HEAD} hidden xl:table-cell`}>Card</th>
            <th scope="col" className={`${HEAD} hidden xl:table-cell`}>Transaction</th>
          </tr>
        </thead>
        <tbody>
          {alerts.map((alert) => (
            <tr key={alert.alertId} className={alert.alertId === chosen ? "bg-accent-soft" : "hover:bg-raised"}>
              <td className={`${CELL} whitespace-nowrap`}>
                <label className="flex items-center gap-2">
                  <input
                    type="radio"
                    name="alert"
                    checked={alert.alertId === chosen}
                    onChange={() => onChoose(alert.alertId)}
                    aria-label={`Explain the payment of ${money(alert.amount)}`}
                    className="accent-accent"
                  />
                  <Time at={alert.eventTime} />
                </label>
              </td>
              <td className={CELL}><OutcomeBadge outcome={alert.outcome} /></td>
              <td className={`${CELL} max-w-0`}>
                <span className="block truncate">
                  {categoryName(alert.mcc)}<span className="text-muted"> · {alert.country} · {channelName(alert.channel)}</span>
                </span>
                <span className="block truncate font-mono text-2xs text-muted">{alert.merchantId}</span>
              </td>
              <td className={`${CELL} text-right whitespace-nowrap`}>
                <span className="block font-medium">{money(alert.amount)}</span>
                {alert.amount.currency !== alert.baseAmount.currency && (
                  <span className="block text-2xs text-muted">{money(alert.baseAmount)}</span>
                )}
              </td>
              <td className={`${CELL} text-right`}><Meter value={alert.riskScore} label="Risk score" /></td>
              <td className={`${CELL} hidden xl:table-cell`}><CopyId id={alert.cardToken} what="card token" length={9} /></td>
              <td className={`${CELL} hidden xl:table-cell`}><CopyId id={alert.transactionId} what="transaction id" length={9} /></td>
            </tr>
          ))}
        </tbody>
      </table>
    </Widget>
  );
}
