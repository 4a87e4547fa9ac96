import * as adapt from "./adapters";
import type { CaseEvent, FeedRow } from "./model";

const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 30_000;
// The server pings each ten seconds; three missed pings mean that nobody is there.
const SILENCE_MS = 35_000;

export interface FeedHandlers {
  onDecision: (row: FeedRow) => void;
  onCaseEvent: (event: CaseEvent) => void;
  onLine: (isLive: boolean) => void;
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
 * The browser's own reconnecting gives up when a proxy answers with an error, and never notices a silent line;
 * so a broken or silent connection is closed and made anew here, with growing waits up to half a minute.
 */
export function listenToFeed(handlers: FeedHandlers): () => void {
  let source: EventSource | undefined;
  let retry: ReturnType<typeof setTimeout> | undefined;
  let silence: ReturnType<typeof setTimeout> | undefined;
  let waitMs = FIRST_WAIT_MS;

  function heard(): void {
    clearTimeout(silence);
    silence = setTimeout(reconnect, SILENCE_MS);
  }

  function reconnect(): void {
    source?.close();
    clearTimeout(silence);
    clearTimeout(retry);
    handlers.onLine(false);
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
    source.addEventListener("open", () => {
      waitMs = FIRST_WAIT_MS;
      heard();
      handlers.onLine(true);
    });
    source.addEventListener("error", reconnect);
    on("decision", (wire) => handlers.onDecision(adapt.feedRow(wire)));
    on("case", (wire) => handlers.onCaseEvent(adapt.caseEvent(wire)));
    on("ping", () => undefined);
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
    clearTimeout(silence);
    clearTimeout(retry);
  };
}
