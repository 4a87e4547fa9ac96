"use client";

import { useMutation, useQueryClient } from "@tanstack/react-query";
import { giveVerdict } from "@/api/client";
import { keys } from "@/api/keys";
import type { CaseDetail, Verdict } from "@/api/model";
import { ApiProblem } from "@/api/problem";
import { BanIcon, CheckIcon } from "@/ui/icons";
import { describe } from "@/ui/states";
import { useToast } from "@/ui/toast";

export const VERDICT_WORDS = {
  fraud: {
    label: "Fraud",
    confirm: "Confirm fraud",
    given: "Marked as fraud",
    consequence: "Press F or Enter to mark as fraud and go on, Esc to take it back.",
    key: "F",
    Icon: BanIcon,
    text: "text-decline",
  },
  legitimate: {
    label: "Legitimate",
    confirm: "Confirm legitimate",
    given: "Marked as legitimate",
    consequence: "Press L or Enter to mark as legitimate and go on, Esc to take it back.",
    key: "L",
    Icon: CheckIcon,
    text: "text-approve",
  },
} as const satisfies Record<Verdict, unknown>;

interface VerdictProblem {
  readonly text: string;
  /** The case on screen is no longer the case on the server. */
  readonly isConflict: boolean;
}

/** Sends the verdict about the version on screen, never optimistically, then goes on to the next case. */
export function useVerdict(detail: CaseDetail, onDone: () => void) {
  const queries = useQueryClient();
  const toast = useToast();
  const mutation = useMutation({
    mutationFn: (judged: { verdict: Verdict; note: string }) =>
      giveVerdict(detail.caseId, { ...judged, version: detail.version }),
    onSuccess: (closed, { verdict }) => {
      queries.setQueryData<CaseDetail>(keys.case(closed.caseId), (old) => old && { ...old, ...closed });
      void queries.invalidateQueries({ queryKey: keys.cases });
      void queries.invalidateQueries({ queryKey: keys.figures });
      const payments = detail.alertCount === 1 ? "1 payment" : `${detail.alertCount} payments`;
      toast.show({ tone: "done", text: `${VERDICT_WORDS[verdict].given}: ${payments} labelled` });
      onDone();
    },
  });
  return {
    give: (verdict: Verdict, note: string) => mutation.mutate({ verdict, note }),
    reset: mutation.reset,
    isPending: mutation.isPending,
    problem: mutation.error === null ? null : problemOf(mutation.error),
  };
}

function problemOf(error: Error): VerdictProblem {
  const isConflict = error instanceof ApiProblem && error.status === 409;
  const text = isConflict
    ? `The verdict was not taken, because the case is no longer what is on screen: ${error.detail}. Reload it and judge again.`
    : `The verdict was not saved. ${describe(error)}`;
  return { text, isConflict };
}
