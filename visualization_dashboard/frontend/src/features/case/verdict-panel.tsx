"use client";

import { useRouter } from "next/navigation";
import { useEffect, useRef, useState } from "react";
import type { CaseDetail, Verdict } from "@/api/model";
import { useShortcuts } from "@/features/keyboard/use-shortcuts";
import { useNow } from "@/lib/now";
import { Button, Key } from "@/ui/button";
import { LockIcon, WarningIcon } from "@/ui/icons";
import { Time } from "@/ui/time";
import { Widget } from "@/ui/widget";
import { useVerdict, VERDICT_WORDS } from "./use-verdict";

const MAX_NOTE = 2_000;

interface Props {
  detail: CaseDetail;
  onReload: () => Promise<unknown>;
  onNext: () => void;
}

/**
 * A verdict is given in two steps, because it cannot be taken back: a key chooses, the same key or Enter confirms.
 * A case that changes in between falls back to the first step.
 */
export function VerdictPanel({ detail, onReload, onNext }: Props) {
  const router = useRouter();
  const [chosen, setChosen] = useState<{ verdict: Verdict; version: number } | null>(null);
  const [note, setNote] = useState("");
  const noteField = useRef<HTMLTextAreaElement>(null);
  const verdict = useVerdict(detail, onNext);
  const isOpen = detail.status === "open";
  const armed = isOpen && chosen?.version === detail.version ? chosen.verdict : null;

  function press(pressed: Verdict): void {
    if (!isOpen || verdict.isPending) return;
    if (armed === pressed) verdict.give(pressed, note);
    else setChosen({ verdict: pressed, version: detail.version });
  }
  const reload = () => void onReload().then(verdict.reset);
  useShortcuts({
    f: () => press("fraud"),
    l: () => press("legitimate"),
    r: reload,
    m: () => noteField.current?.focus(),
    Escape: () => (armed === null ? router.push("/") : setChosen(null)),
  });

  return (
    <Widget title="Verdict" className="shrink-0" note={isOpen && <Reserved detail={detail} />}>
      {isOpen ? (
        <div className="space-y-2.5 p-4">
          <div className="flex gap-2">
            <Choice verdict="fraud" armed={armed} isPending={verdict.isPending} onPress={press} />
            <Choice verdict="legitimate" armed={armed} isPending={verdict.isPending} onPress={press} />
          </div>
          <p role="status" className="text-xs text-muted">
            {armed === null
              ? `The verdict labels ${detail.alertCount === 1 ? "the payment" : `all ${detail.alertCount} payments`} of this case.`
              : VERDICT_WORDS[armed].consequence}
          </p>
          {verdict.problem !== null && (
            <div role="alert" className="flex items-start gap-2 rounded-md bg-decline-soft p-2.5 text-xs text-decline">
              <WarningIcon className="mt-px size-3.5" />
              <p className="flex-1">{verdict.problem.text}</p>
              {verdict.problem.isConflict && <Button size="small" shortcut="R" onClick={reload}>Reload</Button>}
            </div>
          )}
          <label className="block">
            <span className="label-caps flex items-center gap-1.5">Note <Key>M</Key></span>
            <textarea
              ref={noteField}
              value={note}
              maxLength={MAX_NOTE}
              rows={2}
              placeholder="What you found, for whoever reads this later"
              onChange={(event) => setNote(event.target.value)}
              onKeyDown={(event) => event.key === "Escape" && event.currentTarget.blur()}
              className="mt-1 w-full resize-y rounded-md border border-line-strong bg-surface px-2.5 py-1.5 text-[13px] placeholder:text-muted"
            />
          </label>
        </div>
      ) : (
        <Given detail={detail} />
      )}
    </Widget>
  );
}

interface ChoiceProps {
  verdict: Verdict;
  armed: Verdict | null;
  isPending: boolean;
  onPress: (verdict: Verdict) => void;
}

function Choice({ verdict, armed, isPending, onPress }: ChoiceProps) {
  const { label, Icon, confirm, key } = VERDICT_WORDS[verdict];
  const isArmed = armed === verdict;
  const button = useRef<HTMLDivElement>(null);
  useEffect(() => {
    // Focus makes Enter confirm.
    if (isArmed) button.current?.querySelector("button")?.focus();
  }, [isArmed]);
  return (
    <div ref={button} className="grid flex-auto">
      <Button tone={isArmed ? `${verdict}-solid` : verdict} size="large" shortcut={key} disabled={isPending} onClick={() => onPress(verdict)}>
        <Icon />
        {isArmed ? (isPending ? "Sending…" : confirm) : label}
      </Button>
    </div>
  );
}

function Reserved({ detail }: { detail: CaseDetail }) {
  const now = useNow();
  if (detail.assignedTo === null || (detail.lockedUntil ?? 0) < now) return null;
  return (
    <span className="inline-flex items-center gap-1">
      <LockIcon className="size-3" />
      Reserved for {detail.assignedTo}
    </span>
  );
}

function Given({ detail }: { detail: CaseDetail }) {
  if (detail.verdict === null) return null;
  const { Icon, given, text } = VERDICT_WORDS[detail.verdict];
  return (
    <div className="p-4">
      <p className={`flex items-center gap-2 text-sm font-semibold ${text}`}>
        <Icon />
        {given}
      </p>
      <p className="mt-1 text-xs text-muted">
        {detail.assignedTo !== null && `By ${detail.assignedTo}`}
        {detail.closedAt !== null && <> · <Time at={detail.closedAt} /></>}
      </p>
    </div>
  );
}
