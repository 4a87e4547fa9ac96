/** A stopped payment beside the habits of its card and customer, in words. */
import type { CaseAlert, Money } from "@/api/model";
import { count, decimal, money, percent } from "@/lib/format";
import { categoryName } from "@/lib/merchant-category";

export interface Comparison {
  readonly what: string;
  readonly now: string;
  readonly usual: string;
  readonly isUnusual: boolean;
}

// From where on a value is worth a look. They only choose what is marked on screen; the policy decides elsewhere.
const AMOUNT_TIMES = 3;
const HOURLY_COUNT = 4;
const DAILY_TIMES = 4;
const FAR_KM = 500;
const FAST_KMH = 300;
const JOURNEY_KM = 50; // two terminals of one street can be seconds apart
const RARE_HOUR_SHARE = 0.02;
const YOUNG_PAYMENTS = 10;
const TINY_AMOUNTS = 3;

/** Rows that can be told from what the decision saw; a feature that is missing (below zero) leaves its row out. */
export function compare(alert: CaseAlert): Comparison[] {
  const value = (name: string): number | undefined => {
    const found = alert.features[name];
    return found === undefined || found < 0 ? undefined : found;
  };
  const rows = [amount, pace, place, travel, hour, merchant, device, history].map((row) => row(alert, value));
  const known = rows.filter((row) => row !== undefined);
  return [...known.filter((row) => row.isUnusual), ...known.filter((row) => !row.isUnusual)];
}

type Value = (name: string) => number | undefined;
type Row = (alert: CaseAlert, value: Value) => Comparison | undefined;

function inBase(alert: CaseAlert, minor: number): Money {
  return { minor: Math.round(minor), currency: alert.baseAmount.currency };
}

const amount: Row = (alert, value) => {
  const mean = value("card_amount_mean_30d");
  const times = value("amount_to_card_mean_30d");
  if (mean === undefined || times === undefined) {
    return { what: "Amount", now: money(alert.amount), usual: "Card without a payment in 30 days", isUnusual: false };
  }
  const greatest = value("card_amount_max_30d");
  return {
    what: "Amount",
    now: `${money(alert.amount)}, ${decimal(times, times < 10 ? 1 : 0)} times this card's 30-day mean`,
    usual: `${money(inBase(alert, mean))} on average${greatest === undefined ? "" : `, ${money(inBase(alert, greatest))} at most`}`,
    isUnusual: times >= AMOUNT_TIMES,
  };
};

const pace: Row = (_, value) => {
  const [hourly, daily, monthly] = [value("card_txn_count_1h"), value("card_txn_count_24h"), value("card_txn_count_30d")];
  if (hourly === undefined || daily === undefined || monthly === undefined) return undefined;
  const perDay = monthly / 30;
  const tiny = value("small_amount_count_1h") ?? 0;
  return {
    what: "Pace",
    now: `${count(hourly)} in the hour before, ${count(daily)} in 24 hours${tiny > 0 ? `, ${count(tiny)} of them tiny` : ""}`,
    usual: `${decimal(perDay, 1)} a day`,
    isUnusual: hourly >= HOURLY_COUNT || tiny >= TINY_AMOUNTS || (daily >= HOURLY_COUNT && daily > DAILY_TIMES * perDay),
  };
};

const place: Row = (alert, value) => {
  const isNew = value("is_new_country_30d");
  if (isNew === undefined) return undefined;
  const distance = value("distance_from_usual_km");
  return {
    what: "Place",
    now: `${alert.country}${distance === undefined ? "" : `, ${count(distance)} km from the usual area`}`,
    usual: isNew >= 1 ? "Country not seen in 30 days" : "Country seen in 30 days",
    isUnusual: isNew >= 1 || (distance ?? 0) >= FAR_KM,
  };
};

const travel: Row = (_, value) => {
  const [speed, distance] = [value("speed_from_last_kmh"), value("distance_from_last_km")];
  if (speed === undefined || distance === undefined || distance < 1) return undefined;
  return {
    what: "Travel",
    now: `${count(distance)} km from the last place, at ${count(speed)} km/h`,
    usual: `Under ${FAST_KMH} km/h`,
    isUnusual: speed >= FAST_KMH && distance >= JOURNEY_KM,
  };
};

const hour: Row = (_, value) => {
  const [share, local] = [value("hour_share_30d"), value("local_hour")];
  if (share === undefined || local === undefined) return undefined;
  return {
    what: "Hour",
    now: `${String(Math.floor(local)).padStart(2, "0")} h at the place`,
    usual: `${percent(share)} of payments around this hour`,
    isUnusual: share <= RARE_HOUR_SHARE,
  };
};

const merchant: Row = (alert, value) => {
  const [isNew, isNewKind] = [value("is_new_merchant_30d"), value("is_new_mcc_30d")];
  if (isNew === undefined || isNewKind === undefined) return undefined;
  return {
    what: "Merchant",
    now: `${categoryName(alert.mcc)}, ${isNew >= 1 ? "first time here" : "known"}`,
    usual: isNewKind >= 1 ? "Kind of shop not seen in 30 days" : "Kind of shop seen in 30 days",
    isUnusual: isNewKind >= 1,
  };
};

const device: Row = (alert, value) => {
  const isNew = value("is_new_device_30d");
  if (isNew === undefined || alert.deviceId === null) return undefined;
  const devices = value("distinct_devices_30d");
  return {
    what: "Device",
    now: isNew >= 1 ? "Not seen before" : "Known",
    usual: devices === undefined ? "–" : `${count(devices)} ${devices === 1 ? "device" : "devices"} in 30 days`,
    isUnusual: isNew >= 1,
  };
};

const history: Row = (_, value) => {
  const [payments, days] = [value("customer_txn_count_total"), value("customer_age_days")];
  if (payments === undefined || days === undefined) return undefined;
  return {
    what: "History",
    now: `${count(payments)} payments before`,
    usual: `Customer for ${count(days)} days`,
    isUnusual: payments < YOUNG_PAYMENTS,
  };
};
