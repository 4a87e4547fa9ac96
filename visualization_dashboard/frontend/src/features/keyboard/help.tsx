"use client";

import { useRef } from "react";
import { Button, Key } from "@/ui/button";
import { CloseIcon, KeyboardIcon } from "@/ui/icons";
import { useShortcuts } from "./use-shortcuts";

const GROUPS = [
  {
    title: "Everywhere",
    keys: [
      ["N", "Reserve and open the next best case"],
      ["J", "Next in the queue"],
      ["K", "Previous in the queue"],
      ["?", "This help"],
    ],
  },
  {
    title: "Home",
    keys: [
      ["Enter", "Open the chosen case"],
      ["P", "Pause or resume the feed"],
      ["/", "To the filters of the feed"],
    ],
  },
  {
    title: "Case",
    keys: [
      ["F", "Judge as fraud; F or Enter confirms"],
      ["L", "Judge as legitimate; L or Enter confirms"],
      ["M", "Write a note"],
      ["/", "To the filters of the timeline"],
      ["R", "Reload the case"],
      ["Esc", "Take back, or return to the queue"],
    ],
  },
] as const;

/** The overlay that lists every key. */
export function KeyboardHelp() {
  const dialog = useRef<HTMLDialogElement>(null);
  const open = () => dialog.current?.showModal();
  useShortcuts({ "?": open });
  return (
    <>
      <Button tone="quiet" size="small" aria-label="Keyboard shortcuts" title="Keyboard shortcuts" shortcut="?" onClick={open}>
        <KeyboardIcon />
      </Button>
      <dialog
        ref={dialog}
        aria-labelledby="keyboard-help"
        onClick={(event) => event.target === event.currentTarget && event.currentTarget.close()}
        className="m-auto w-[min(44rem,calc(100vw-4rem))] rounded-xl border border-line bg-surface p-0 text-ink shadow-float backdrop:bg-scrim"
      >
        <div className="flex items-center justify-between border-b border-line px-5 py-3">
          <h2 id="keyboard-help" className="text-sm font-semibold">Keyboard shortcuts</h2>
          <Button tone="quiet" size="small" aria-label="Close" onClick={() => dialog.current?.close()}>
            <CloseIcon />
          </Button>
        </div>
        <div className="grid grid-cols-3 gap-6 p-5">
          {GROUPS.map((group) => (
            <section key={group.title}>
              <h3 className="label-caps mb-2">{group.title}</h3>
              <dl className="space-y-1.5 text-[13px]">
                {group.keys.map(([key, what]) => (
                  <div key={key} className="flex items-start gap-3">
                    <dt className="w-10 shrink-0"><Key>{key}</Key></dt>
                    <dd>{what}</dd>
                  </div>
                ))}
              </dl>
            </section>
          ))}
        </div>
      </dialog>
    </>
  );
}
