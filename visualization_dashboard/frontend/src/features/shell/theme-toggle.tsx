"use client";

import { useState } from "react";
import { Button } from "@/ui/button";
import { MoonIcon, ScreenIcon, SunIcon } from "@/ui/icons";
import { THEME_CHOICES, THEME_COOKIE, type ThemeChoice } from "./theme";

const YEAR_S = 365 * 86_400;
const LOOKS = { system: ScreenIcon, light: SunIcon, dark: MoonIcon } as const;

/** System, light, dark, and around again. */
export function ThemeToggle({ initial }: { initial: ThemeChoice }) {
  const [choice, setChoice] = useState(initial);
  const Icon = LOOKS[choice];

  function turn(): void {
    const next = THEME_CHOICES[(THEME_CHOICES.indexOf(choice) + 1) % THEME_CHOICES.length] ?? "system";
    setChoice(next);
    document.cookie = `${THEME_COOKIE}=${next}; path=/; max-age=${YEAR_S}; samesite=lax`;
    if (next === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = next;
  }

  const label = `Colours: ${choice}. Change`;
  return (
    <Button tone="quiet" size="small" aria-label={label} title={label} onClick={turn}>
      <Icon />
    </Button>
  );
}
