import type { Outcome } from "@/api/model";
import { BanIcon, CheckIcon, EyeIcon, KeyIcon } from "./icons";

/** Icon, words and colour of an outcome: the colour never says it alone. */
export const OUTCOME_LOOKS = {
  approve: { label: "Approved", Icon: CheckIcon, text: "text-approve", soft: "" },
  challenge: { label: "Challenged", Icon: KeyIcon, text: "text-challenge", soft: "bg-challenge-soft" },
  review: { label: "In review", Icon: EyeIcon, text: "text-review", soft: "bg-review-soft" },
  decline: { label: "Declined", Icon: BanIcon, text: "text-decline", soft: "bg-decline-soft" },
} as const satisfies Record<Outcome, unknown>;

export function OutcomeBadge({ outcome }: { outcome: Outcome }) {
  const { label, Icon, text, soft } = OUTCOME_LOOKS[outcome];
  return (
    <span className={`inline-flex h-5.5 w-27 items-center gap-1.5 rounded px-1.5 text-xs font-medium ${text} ${soft}`}>
      <Icon className="size-3.5" />
      {label}
    </span>
  );
}
