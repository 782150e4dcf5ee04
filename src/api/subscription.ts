import { validated } from "../domain/commands.ts";
import type { EventType, RecordedEvent } from "../events/events.ts";
import { streamOf } from "../events/names.ts";
import { recorded } from "../events/stored.ts";
import type { EventStore } from "../store/event-store.ts";
import { SubscribeInput } from "./inputs.ts";
import type { SubscribeOptions } from "./ledger.ts";

/** The events of a subscription as `options` ask for them; who leaves it need not wait for the next one. */
export function subscription(store: EventStore, options: SubscribeOptions): AsyncIterable<RecordedEvent> {
  const { from, project, types, signal } = validated(SubscribeInput, options, "subscription");
  const leaving = new AbortController();
  const begin = () =>
    store.subscribe({
      after: from,
      ...(project !== undefined && { stream: streamOf(project) }),
      signal: signal ? AbortSignal.any([signal, leaving.signal]) : leaving.signal,
    });
  // "end" means now, not when the first event is asked for.
  const begun = from === "end" ? begin() : undefined;
  begun?.catch(() => undefined);
  const events = selected(() => begun ?? begin(), types);
  const iterator = leavable(events, leaving);
  return { [Symbol.asyncIterator]: () => iterator };
}

/** Tells through `leaving` when the reader leaves: a generator alone is told only after the event that it waits for. */
export const leavable = <Event>(events: AsyncGenerator<Event>, leaving: AbortController): AsyncIterator<Event> => ({
  next: () => events.next(),
  return() {
    leaving.abort();
    return events.return(undefined);
  },
});

async function* selected(
  begin: () => ReturnType<EventStore["subscribe"]>,
  types: readonly EventType[] | undefined,
): AsyncGenerator<RecordedEvent> {
  for await (const stored of await begin()) {
    if (types === undefined || types.some((type) => type === stored.type)) yield recorded(stored);
  }
}
