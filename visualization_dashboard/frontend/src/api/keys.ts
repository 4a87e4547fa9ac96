import type { CaseStatus } from "./model";

/** Query keys, from the general to the particular, so that `keys.cases` invalidates every list. */
export const keys = {
  figures: ["figures"] as const,
  cases: ["cases"] as const,
  caseList: (status: CaseStatus) => ["cases", "list", status] as const,
  case: (caseId: string) => ["case", caseId] as const,
};
