import type { CaseAlert, Reason } from "@/api/model";
import { decimal, percent, score, shareBelow } from "@/lib/format";
import { InboxIcon, WarningIcon } from "@/ui/icons";
import { OutcomeBadge } from "@/ui/outcome";
import { EmptyState } from "@/ui/states";
import { Widget } from "@/ui/widget";
import { compare } from "./comparison";

interface Props {
  alert: CaseAlert | undefined;
  others: readonly CaseAlert[];
}

/** The reasons of the chosen payment in plain words, and the payment beside the customer's habits. */
export function WhyPanel({ alert, others }: Props) {
  if (alert === undefined) {
    return (
      <Widget title="Why it was stopped">
        <EmptyState Icon={InboxIcon} title="This case has no alerts" />
      </Widget>
    );
  }
  const elsewhere = reasonsElsewhere(alert, others);
  return (
    <Widget
      title="Why it was stopped"
      className="shrink-0"
      note={`Risk ${score(alert.riskScore)}: ${shareBelow(alert.riskScore)} of good payments score lower. Chance of fraud ${percent(alert.probability)}.`}
      actions={<OutcomeBadge outcome={alert.outcome} />}
    >
      <div className="grid min-h-0 grid-cols-1 2xl:grid-cols-[minmax(0,2fr)_minmax(0,3fr)]">
        <div className="border-line p-4 2xl:border-r">
          <ol className="grid grid-cols-2 gap-x-6 gap-y-1.5 2xl:grid-cols-1">
            {inOrder(alert.reasons).map((reason) => (
              <li key={reason.code} title={reason.code} className="flex gap-2 text-[13px] font-medium">
                <WarningIcon className="mt-0.5 text-challenge" />
                {reason.text}
              </li>
            ))}
          </ol>
          {elsewhere.length > 0 && (
            <p className="mt-3 text-xs text-muted">
              In other alerts of this case: {elsewhere.map((reason) => reason.text).join("; ")}.
            </p>
          )}
          {alert.ruleHits.length > 0 && (
            <p className="mt-3 flex flex-wrap items-center gap-1 text-2xs text-muted">
              Rules hit
              {alert.ruleHits.map((rule) => (
                <code key={rule} className="rounded bg-raised px-1.5 py-0.5 font-mono">{rule}</code>
              ))}
            </p>
          )}
        </div>
        <Habits alert={alert} />
      </div>
      <Everything alert={alert} />
    </Widget>
  );
}

function Habits({ alert }: { alert: CaseAlert }) {
  const rows = compare(alert);
  return (
    <table className="w-full border-t border-line text-[13px] 2xl:border-t-0">
      <thead>
        <tr className="text-left">
          <th scope="col" className="label-caps w-24 px-4 py-1.5">Compared</th>
          <th scope="col" className="label-caps px-2 py-1.5">This payment</th>
          <th scope="col" className="label-caps px-4 py-1.5">Usual</th>
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <tr key={row.what} className="border-t border-line">
            <th scope="row" className="px-4 py-1.5 text-left font-normal text-muted">{row.what}</th>
            <td className={`px-2 py-1.5 ${row.isUnusual ? "font-medium" : ""}`}>
              {row.isUnusual && <WarningIcon className="mr-1.5 inline size-3.5 align-[-2px] text-challenge" />}
              {row.now}
              {row.isUnusual && <span className="sr-only"> (unusual)</span>}
            </td>
            <td className="px-4 py-1.5 text-muted">{row.usual}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Everything({ alert }: { alert: CaseAlert }) {
  const features = Object.entries(alert.features);
  return (
    <details className="border-t border-line">
      <summary className="px-4 py-2 text-xs text-muted hover:text-ink">
        All {features.length} features, model {alert.modelVersion}, policy {alert.policyVersion.slice(0, 12)}
      </summary>
      <dl className="grid grid-cols-2 gap-x-6 px-4 pb-3 text-xs xl:grid-cols-3">
        {features.map(([name, value]) => (
          <div key={name} className="flex justify-between gap-3 border-b border-line py-1">
            <dt className="truncate font-mono text-2xs text-muted" title={name}>{name}</dt>
            <dd>{decimal(value, 3)}</dd>
          </div>
        ))}
      </dl>
    </details>
  );
}

const SCORE_LEVELS = ["SCORE_EXTREME", "SCORE_HIGH", "SCORE_ELEVATED"];

/** What is unusual comes first; of the levels that the score passed, the greatest one says it all. */
function inOrder(reasons: readonly Reason[]): Reason[] {
  const specific = reasons.filter((r) => !SCORE_LEVELS.includes(r.code));
  const level = SCORE_LEVELS.flatMap((code) => reasons.filter((r) => r.code === code))[0];
  return level === undefined ? specific : [...specific, level];
}

function reasonsElsewhere(alert: CaseAlert, others: readonly CaseAlert[]): Reason[] {
  const known = new Set(alert.reasons.map((r) => r.code));
  const found = new Map<string, Reason>();
  for (const reason of others.flatMap((other) => other.reasons)) {
    if (!known.has(reason.code) && !SCORE_LEVELS.includes(reason.code)) found.set(reason.code, reason);
  }
  return [...found.values()];
}
