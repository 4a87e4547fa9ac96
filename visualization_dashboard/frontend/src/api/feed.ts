import * as adapt from "./adapters";
import type { CaseEvent, FeedRow } from "./model";

const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 30_000;
// A stream ends by plan each ten minutes, and the browser is back in two seconds: nothing that an officer need see.
const DOUBT_MS = 5_000;
// The server pings each ten seconds; three missed pings mean that nobody is there.
const SILENCE_MS = 35_000;

export interface FeedHandlers {
  onDecision: (row: FeedRow) => void;
  onCaseEvent: (event: CaseEvent) => void;
  onLine: (isLive: boolean) => void;
  /** So many more events were not sent, because this page read too slowly. */
  onDropped: (count: number) => void;
}

/** The events this page listens to; `alert` repeats what `decision` and `case` say. */
interface Events {
  decision: adapt.Wire["FeedDecision"];
  case: adapt.Wire["FeedCaseEvent"];
  ping: adapt.Wire["FeedPing"];
}

/**
 * Listens to the live feed until the returned function is called.
 *
 * The browser's own reconnecting goes on after the last event that it has, so it comes first. It gives up when a proxy
 * answers with an error, and never notices a silent line; such a connection is made anew here, with growing waits up
 * to half a minute, and begins with the newest events.
 */
export function listenToFeed(handlers: FeedHandlers): () => void {
  let source: EventSource | undefined;
  let retry: ReturnType<typeof setTimeout> | undefined;
  let silence: ReturnType<typeof setTimeout> | undefined;
  let doubt: ReturnType<typeof setTimeout> | undefined;
  let waitMs = FIRST_WAIT_MS;
  let dropped = 0;

  function heard(): void {
    clearTimeout(silence);
    silence = setTimeout(reconnect, SILENCE_MS);
  }

  function falter(): void {
    doubt ??= setTimeout(() => handlers.onLine(false), DOUBT_MS);
  }

  function opened(): void {
    clearTimeout(doubt);
    doubt = undefined;
    waitMs = FIRST_WAIT_MS;
    dropped = 0; // the server counts for each connection
    heard();
    handlers.onLine(true);
  }

  function failed(): void {
    if (source?.readyState === EventSource.CLOSED) reconnect();
    else falter();
  }

  function pinged(ping: Events["ping"]): void {
    if (ping.dropped > dropped) handlers.onDropped(ping.dropped - dropped);
    dropped = ping.dropped;
  }

  function reconnect(): void {
    source?.close();
    clearTimeout(silence);
    clearTimeout(retry);
    falter();
    retry = setTimeout(connect, waitMs);
    waitMs = Math.min(2 * waitMs, LONGEST_WAIT_MS);
  }

  function on<K extends keyof Events>(kind: K, handle: (data: Events[K]) => void): void {
    source?.addEventListener(kind, (event) => {
      heard();
      handle(JSON.parse((event as MessageEvent<string>).data) as Events[K]);
    });
  }

  function connect(): void {
    source = new EventSource("/api/feed");
    heard(); // a line that never opens is a silent one
    source.addEventListener("open", opened);
    source.addEventListener("error", failed);
    on("decision", (wire) => handlers.onDecision(adapt.feedRow(wire)));
    on("case", (wire) => handlers.onCaseEvent(adapt.caseEvent(wire)));
    on("ping", pinged);
  }

  function comeBack(): void {
    waitMs = FIRST_WAIT_MS;
    reconnect();
  }

  connect();
  window.addEventListener("online", comeBack);
  return () => {
    window.removeEventListener("online", comeBack);
    source?.close();
    for (const timer of [silence, retry, doubt]) clearTimeout(timer);
  };
}
