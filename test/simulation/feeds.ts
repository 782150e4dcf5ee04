import type { EventStore, StoredEvent, SubscribeOptions } from "../../src/store/event-store.ts";
import { subscription } from "../../src/store/subscription.ts";
import type { Connection } from "./connection.ts";

/** Subscriptions over a connection: they lag, stall and drop. They end with `ending`, or when the machine dies. */
export function feeds(
  { server, machine, delayMs, strikes, unavailable, ask, fail }: Connection,
  ending: AbortSignal,
  checkOpen: () => void,
): EventStore["subscribe"] {
  const { memory } = server;
  const { random } = machine;
  const open = new Set<AsyncIterator<StoredEvent>>();
  machine.onDeath(() => {
    for (const feed of open) void feed.return?.();
  });

  async function arrival({ position }: StoredEvent, delayedMs: number): Promise<void> {
    await machine.sleep(delayedMs);
    await server.shown(position);
    await server.back();
  }

  async function* deliver(feed: AsyncIterator<StoredEvent>, ended: AbortSignal): AsyncGenerator<StoredEvent> {
    const isEnded = new Promise<void>((resolve) => ended.addEventListener("abort", () => resolve()));
    void isEnded.then(() => feed.return?.());
    try {
      while (!ended.aborted) {
        const next = await feed.next();
        if (!machine.isAlive) await new Promise(() => undefined);
        if (next.done || ended.aborted) return;
        const pauseMs = strikes("subscription stalled") ? random.logUniform(100, 30_000) : delayMs();
        await Promise.race([arrival(next.value, pauseMs), isEnded]);
        if (ended.aborted) return;
        if (strikes("subscription dropped")) throw unavailable("go on with a subscription", "it was dropped");
        yield next.value;
      }
    } finally {
      open.delete(feed);
      void feed.return?.();
    }
  }

  return async (options: SubscribeOptions) => {
    checkOpen();
    if (strikes("read failed")) return fail("subscribe", "the connection broke");
    const events = await ask("subscribe", () => memory.subscribe({ ...options, signal: ending }));
    const feed = events[Symbol.asyncIterator]();
    open.add(feed);
    return subscription((ended) => deliver(feed, ended), options.signal);
  };
}
