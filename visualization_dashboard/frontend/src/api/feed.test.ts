import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type FeedHandlers, listenToFeed } from "./feed";

/** An EventSource whose life a test tells. */
class FakeSource extends EventTarget {
  static readonly CONNECTING = 0;
  static readonly OPEN = 1;
  static readonly CLOSED = 2;
  static made: FakeSource[] = [];
  readyState = FakeSource.CONNECTING;

  constructor(readonly url: string) {
    super();
    FakeSource.made.push(this);
  }
  close(): void {
    this.readyState = FakeSource.CLOSED;
  }
  open(): void {
    this.readyState = FakeSource.OPEN;
    this.dispatchEvent(new Event("open"));
  }
  /** CONNECTING: the browser comes back by itself. CLOSED: it has given up. */
  fail(readyState: 0 | 2): void {
    this.readyState = readyState;
    this.dispatchEvent(new Event("error"));
  }
  ping(dropped: number): void {
    this.dispatchEvent(new MessageEvent("ping", { data: JSON.stringify({ at: 1, dropped }) }));
  }
}

const handlers = { onDecision: vi.fn(), onCaseEvent: vi.fn(), onLine: vi.fn(), onDropped: vi.fn() } satisfies FeedHandlers;
let stop: () => void;

function newest(): FakeSource {
  const source = FakeSource.made.at(-1);
  if (source === undefined) throw new Error("nobody listens");
  return source;
}

beforeEach(() => {
  vi.useFakeTimers();
  vi.clearAllMocks();
  FakeSource.made = [];
  vi.stubGlobal("EventSource", FakeSource);
  stop = listenToFeed(handlers);
});
afterEach(() => {
  stop();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test("a stream that ends by plan is taken up by the browser, and nobody sees it", () => {
  newest().open();
  newest().fail(FakeSource.CONNECTING);
  vi.advanceTimersByTime(2_000);
  newest().open();
  vi.advanceTimersByTime(20_000);
  expect(FakeSource.made).toHaveLength(1);
  expect(handlers.onLine.mock.calls).toEqual([[true], [true]]);
});

test("a line that stays away is shown after some seconds, and as live when it is back", () => {
  newest().open();
  newest().fail(FakeSource.CONNECTING);
  vi.advanceTimersByTime(3_000);
  newest().fail(FakeSource.CONNECTING);
  expect(handlers.onLine.mock.lastCall).toEqual([true]);
  vi.advanceTimersByTime(2_000);
  expect(handlers.onLine.mock.lastCall).toEqual([false]);
  newest().open();
  expect(handlers.onLine.mock.lastCall).toEqual([true]);
});

test("where the browser has given up, it is tried again with growing waits up to half a minute", () => {
  const waits = [1, 2, 4, 8, 16, 30, 30];
  for (const [made, wait] of waits.entries()) {
    newest().fail(FakeSource.CLOSED);
    vi.advanceTimersByTime(wait * 1_000 - 1);
    expect(FakeSource.made).toHaveLength(made + 1);
    vi.advanceTimersByTime(1);
    expect(FakeSource.made).toHaveLength(made + 2);
  }
  expect(handlers.onLine.mock.calls).toEqual([[false]]);
  newest().open();
  newest().fail(FakeSource.CLOSED);
  vi.advanceTimersByTime(1_000);
  expect(FakeSource.made).toHaveLength(waits.length + 2);
});

test("a silent line is closed and made anew, opened or not", () => {
  const [first] = FakeSource.made;
  vi.advanceTimersByTime(36_000);
  expect(first?.readyState).toBe(FakeSource.CLOSED);
  newest().open();
  newest().ping(0);
  vi.advanceTimersByTime(34_000);
  expect(FakeSource.made).toHaveLength(2);
  vi.advanceTimersByTime(3_000);
  expect(FakeSource.made).toHaveLength(3);
});

test("what the server dropped is told once, also over two connections", () => {
  newest().open();
  for (const dropped of [0, 3, 3, 5]) newest().ping(dropped);
  newest().fail(FakeSource.CONNECTING);
  newest().open();
  newest().ping(2);
  expect(handlers.onDropped.mock.calls).toEqual([[3], [2], [2]]);
});

test("nothing happens after the listening has ended", () => {
  newest().fail(FakeSource.CLOSED);
  stop();
  vi.advanceTimersByTime(120_000);
  expect(FakeSource.made).toHaveLength(1);
  expect(handlers.onLine).not.toHaveBeenCalled();
});
