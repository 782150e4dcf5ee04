import type { StoredEvent } from "./event-store.ts";

/**
 * Makes an iterable of `follow` that ends when `signal` aborts or the reader breaks off, also while it waits for the
 * next event: `follow` is told through the signal it gets.
 */
export function subscription(
  follow: (ended: AbortSignal) => AsyncGenerator<StoredEvent>,
  signal: AbortSignal | undefined,
): AsyncIterable<StoredEvent> {
  return {
    [Symbol.asyncIterator](): AsyncIterator<StoredEvent> {
      const ending = new AbortController();
      function end(): void {
        signal?.removeEventListener("abort", end);
        ending.abort();
      }
      signal?.addEventListener("abort", end);
      if (signal?.aborted) end();
      const events = follow(ending.signal);
      return {
        async next() {
          try {
            const result = ending.signal.aborted ? undefined : await events.next();
            // What came in while it ended is nobody's any more, however far ahead the store had read.
            if (result && !result.done && !ending.signal.aborted) return result;
            end();
            await events.return(undefined);
            return { done: true, value: undefined };
          } catch (error) {
            end();
            throw error;
          }
        },
        async return() {
          end();
          return events.return(undefined);
        },
      };
    },
  };
}
