/** Numbers, money and times as officers read them. The locale is the browser's. */
import type { Money } from "@/api/model";

// ISO 4217 codes whose minor unit is no hundredth; the browser's own table differs for some of them.
const NO_DIGITS = new Set("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split(" "));
const THREE_DIGITS = new Set("BHD IQD JOD KWD LYD OMR TND".split(" "));

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const LONGEST_IN_HOURS_MS = 2 * DAY_MS;

export function minorDigits(currency: string): number {
  return NO_DIGITS.has(currency) ? 0 : THREE_DIGITS.has(currency) ? 3 : 2;
}

function major(money: Money): number {
  return money.minor / 10 ** minorDigits(money.currency);
}

/** The exact amount with its currency: "€3,500.00". */
export function money(amount: Money, locale?: string): string {
  const digits = minorDigits(amount.currency);
  const style = { style: "currency", currency: amount.currency } as const;
  return new Intl.NumberFormat(locale, {
    ...style,
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  }).format(major(amount));
}

/** For headlines: "€12.3K". */
export function moneyCompact(amount: Money, locale?: string): string {
  return new Intl.NumberFormat(locale, {
    style: "currency",
    currency: amount.currency,
    notation: "compact",
    maximumFractionDigits: Math.abs(major(amount)) < 1_000 ? 0 : 1,
    minimumFractionDigits: 0,
  }).format(major(amount));
}

export function count(value: number, locale?: string): string {
  return new Intl.NumberFormat(locale, { maximumFractionDigits: 0 }).format(value);
}

export function decimal(value: number, digits: number, locale?: string): string {
  return new Intl.NumberFormat(locale, { maximumFractionDigits: digits }).format(value);
}

/** A share of 0–1 as a percentage; small shares keep a digit, and what is not everything never reads 100 %. */
export function percent(share: number, locale?: string): string {
  const digits = share > 0 && (share < 0.1 || share > 0.99) && share < 1 ? 1 : 0;
  const bounded = share < 1 ? Math.min(share, 0.999) : share;
  return new Intl.NumberFormat(locale, { style: "percent", maximumFractionDigits: digits }).format(bounded);
}

/** A score of 0–1, cut so that only 1 itself reads 1.00; near 1, where alerts differ by little, with a third digit. */
export function score(value: number): string {
  const digits = value > 0.99 && value < 1 ? 3 : 2;
  const steps = 10 ** digits;
  return (Math.floor(value * steps + 1e-9) / steps).toFixed(digits);
}

/** A risk score as the share it is, cut like `score`, so that both say the same. */
export function shareBelow(riskScore: number, locale?: string): string {
  const steps = riskScore > 0.99 ? 1_000 : 100;
  return percent(Math.floor(riskScore * steps + 1e-9) / steps, locale);
}

/** "45 s", "12 min", "3 h 20 min", "4 d". Negative spans read like positive ones. */
export function span(ms: number): string {
  const length = Math.abs(ms);
  if (length < MINUTE_MS) return `${Math.round(length / SECOND_MS)} s`;
  if (length < HOUR_MS) return `${Math.floor(length / MINUTE_MS)} min`;
  if (length < LONGEST_IN_HOURS_MS) {
    const minutes = Math.floor((length % HOUR_MS) / MINUTE_MS);
    return `${Math.floor(length / HOUR_MS)} h${minutes > 0 ? ` ${minutes} min` : ""}`;
  }
  return `${Math.floor(length / DAY_MS)} d`;
}

/** "8.1 ms", "431 ms", "24.1 s". */
export function latency(ms: number, locale?: string): string {
  if (ms >= 10_000) return `${decimal(ms / 1_000, 1, locale)} s`;
  return `${decimal(ms, ms < 10 ? 1 : 0, locale)} ms`;
}

export function clock(ms: number, locale?: string): string {
  return new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" }).format(ms);
}

export function dateTime(ms: number, locale?: string): string {
  return new Intl.DateTimeFormat(locale, {
    day: "numeric",
    month: "short",
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
  }).format(ms);
}

export function date(ms: number, locale?: string): string {
  return new Intl.DateTimeFormat(locale, { day: "numeric", month: "short", year: "numeric" }).format(ms);
}

export function day(ms: number, locale?: string): string {
  return new Intl.DateTimeFormat(locale, { weekday: "short", day: "numeric", month: "short", year: "numeric" }).format(ms);
}

/** "2026-11-22 18:52:47 UTC": for titles, beside a local time. */
export function utc(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19).replace("T", " ")} UTC`;
}

/** The start of a long id, enough to tell two of them apart on a screen. */
export function shortId(id: string, length = 11): string {
  return id.length > length + 1 ? `${id.slice(0, length)}…` : id;
}
