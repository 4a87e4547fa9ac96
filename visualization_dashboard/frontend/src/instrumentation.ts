const GRACE_MS = 5_000;

/**
 * Called once when the server starts. A stop waits for open requests, and the feed of an open page is a request that
 * never ends by itself: after the grace it is cut, and the page connects again to the server that comes next.
 */
export function register(): void {
  if (process.env.NEXT_RUNTIME === "nodejs") {
    process.once("SIGTERM", () => setTimeout(() => process.exit(0), GRACE_MS).unref());
  }
}
