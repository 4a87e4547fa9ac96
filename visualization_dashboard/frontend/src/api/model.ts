/** What the pages speak of. Times are ms since 1970 UTC; money is in minor units of its currency. */

export const OUTCOMES = ["approve", "challenge", "review", "decline"] as const;
export type Outcome = (typeof OUTCOMES)[number];
export type Verdict = "fraud" | "legitimate";
export type CaseStatus = "open" | "closed";

export interface Money {
  readonly minor: number;
  readonly currency: string;
}

export interface Reason {
  readonly code: string;
  readonly text: string;
}

/** A payment as a list shows it. */
export interface Payment {
  readonly transactionId: string;
  readonly merchantId: string;
  readonly mcc: string;
  readonly country: string;
  readonly channel: string;
  readonly amount: Money;
  readonly baseAmount: Money;
}

export interface FeedRow extends Payment {
  readonly key: string;
  readonly eventTime: number;
  readonly customerId: string;
  readonly outcome: Outcome;
  readonly riskScore: number;
  readonly isDegraded: boolean;
}

export interface CaseEvent {
  readonly caseId: string;
  readonly customerId: string;
  readonly kind: "opened" | "alert_added" | "viewed" | "assigned" | "verdict" | "note";
}

export interface Figures {
  readonly windowS: number;
  readonly decisions: number;
  readonly decisionsPerS: number;
  readonly byOutcome: Readonly<Record<Outcome, number>>;
  readonly alertsOpen: number;
  readonly casesOpen: number;
  readonly stopped: Money;
  readonly p50LatencyMs: number | null;
  readonly p99LatencyMs: number | null;
  readonly deadLetters: number;
}

export interface CaseSummary {
  readonly caseId: string;
  readonly customerId: string;
  readonly status: CaseStatus;
  /** 0 to 1, 1 is the most urgent. */
  readonly priority: number;
  readonly openedAt: number;
  readonly dueAt: number;
  readonly alertCount: number;
  readonly atRisk: Money;
  readonly expectedLoss: Money;
  readonly topReason: Reason;
  readonly riskScore: number;
  readonly verdict: Verdict | null;
  readonly assignedTo: string | null;
  readonly lockedUntil: number | null;
  readonly closedAt: number | null;
  readonly version: number;
}

export interface CasePage {
  readonly items: readonly CaseSummary[];
  readonly nextCursor: string | null;
  readonly total: number;
}

export interface CaseAlert extends Payment {
  readonly alertId: string;
  readonly eventTime: number;
  readonly utcOffsetMin: number;
  readonly cardToken: string;
  readonly deviceId: string | null;
  readonly ip: string | null;
  readonly outcome: Outcome;
  readonly riskScore: number;
  readonly probability: number;
  readonly reasons: readonly Reason[];
  readonly ruleHits: readonly string[];
  readonly features: Readonly<Record<string, number>>;
  readonly modelVersion: string;
  readonly policyVersion: string;
}

export type TimelineKind = "decision" | "alert" | "customer_event" | "authorisation" | "label" | "case_event";

export interface TimelineEntry {
  readonly at: number;
  readonly kind: TimelineKind;
  readonly actor: string;
  readonly text: string;
  readonly payment: (Payment & { readonly outcome: Outcome; readonly riskScore: number }) | null;
}

export interface Customer {
  readonly firstSeen: number | null;
  readonly lastSeen: number | null;
  readonly paymentCount: number;
  readonly approvedCount: number;
  readonly stoppedCount: number;
  readonly meanAmount: Money;
  readonly maxAmount: Money;
  readonly countries: readonly string[];
  readonly cards: number;
  readonly caseCount: number;
}

export interface CaseDetail extends CaseSummary {
  /** Newest first, as the API sends them. */
  readonly alerts: readonly CaseAlert[];
  readonly timeline: readonly TimelineEntry[];
  readonly customer: Customer;
}
