import { expect, test } from "vitest";
import { feedRow } from "@/api/adapters";
import type { Outcome } from "@/api/model";
import { wireDecision } from "../../../test/examples";
import { FeedStore } from "./feed-store";

function add(store: FeedStore, outcome: Outcome, ...ids: string[]): void {
  for (const id of ids) store.add(feedRow(wireDecision(id, outcome)));
}
const shown = (store: FeedStore) => store.view().rows.map((r) => r.transactionId);

test("newest first, and a row that a reconnect repeats is shown once", () => {
  const store = new FeedStore();
  add(store, "review", "a", "b");
  store.flush();
  add(store, "review", "b", "c");
  store.flush();
  expect(shown(store)).toEqual(["c", "b", "a"]);
});

test("approvals are thinned, stopped payments never", () => {
  const store = new FeedStore();
  add(store, "approve", "first");
  store.flush();
  add(store, "approve", "a1", "a2", "a3", "a4");
  add(store, "decline", "d1", "d2", "d3", "d4");
  store.flush();
  expect(shown(store)).toEqual(["d4", "d3", "d2", "d1", "a4", "a3", "first"]);
});

test("a flood of approvals does not push stopped payments out", () => {
  const store = new FeedStore();
  add(store, "decline", "stopped");
  for (let i = 0; i < 400; i += 1) {
    add(store, "approve", `a${i}`);
    store.flush();
  }
  expect(shown(store)).toHaveLength(201);
  expect(shown(store).at(-1)).toBe("stopped");
});

test("while paused rows wait and are counted", () => {
  const store = new FeedStore();
  store.setPaused(true);
  add(store, "review", "a", "b");
  store.flush();
  expect(store.view()).toMatchObject({ rows: [], heldBack: 2, isPaused: true });
  store.setPaused(false);
  expect(store.view()).toMatchObject({ heldBack: 0, isPaused: false });
  expect(shown(store)).toEqual(["b", "a"]);
});

test("a customer's stopped payments lead to the open case until its verdict", () => {
  const store = new FeedStore();
  const event = { caseId: "cs-1", customerId: "cust-1" };
  let drawn = 0;
  store.subscribe(() => (drawn += 1));
  store.addCaseEvent({ ...event, kind: "opened" });
  store.flush();
  expect(drawn).toBe(1);
  expect(store.caseOf("cust-1")).toBe("cs-1");
  store.addCaseEvent({ ...event, kind: "verdict" });
  expect(store.caseOf("cust-1")).toBeUndefined();
});

test("what was dropped adds up over the connections of the page", () => {
  const store = new FeedStore();
  store.addDropped(3);
  store.addDropped(2);
  expect(store.view().dropped).toBe(5);
});
