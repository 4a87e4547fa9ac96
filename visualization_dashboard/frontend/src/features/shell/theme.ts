export const THEME_CHOICES = ["system", "light", "dark"] as const;
export type ThemeChoice = (typeof THEME_CHOICES)[number];

/** In a cookie, so that the server draws the first picture in the right colours. */
export const THEME_COOKIE = "fraudstream-theme";

export function readTheme(value: string | undefined): ThemeChoice {
  return THEME_CHOICES.find((choice) => choice === value) ?? "system";
}
