import { score } from "@/lib/format";

/** A value of 0–1 as a number with a bar; `label` names it for those who do not see the bar. */
export function Meter({ value, label }: { value: number; label: string }) {
  const tone = value >= 0.9 ? "text-decline" : value >= 0.6 ? "text-challenge" : "text-muted";
  return (
    <span className="inline-flex items-center gap-2" role="img" aria-label={`${label} ${score(value)} of 1`}>
      <span className="w-10 text-right">{score(value)}</span>
      <svg viewBox="0 0 40 4" className={`h-1 w-10 ${tone}`} preserveAspectRatio="none" aria-hidden="true">
        <rect width="40" height="4" rx="2" className="fill-line" />
        <rect width={Math.max(2, 40 * value)} height="4" rx="2" fill="currentColor" />
      </svg>
    </span>
  );
}
