import { validated } from "../domain/commands.ts";
import type { EventType, RecordedEvent } from "../events/events.ts";
import { streamOf } from "../events/names.ts";
import { recorded } from "../events/stored.ts";
import type { EventStore } from "../store/event-store.ts";
import { SubscribeInput } from "./inputs.ts";
import type { SubscribeOptions } from "./ledger.ts";

/** The events of a subscription as `options` ask for them. */
export function subscription(store: EventStore, options: SubscribeOptions): AsyncIterable<RecordedEvent> {
  const { from, project, types, signal } = validated(SubscribeInput, options, "subscription");
  const begin = () =>
    store.subscribe({
      after: from,
      ...(project !== undefined && { stream: streamOf(project) }),
      ...(signal && { signal }),
    });
  // "end" means now, not when the first event is asked for.
  const begun = from === "end" ? begin() : undefined;
  begun?.catch(() => undefined);
  return selected(() => begun ?? begin(), types);
}

async function* selected(
  begin: () => ReturnType<EventStore["subscribe"]>,
  types: readonly EventType[] | undefined,
): AsyncGenerator<RecordedEvent> {
  for await (const stored of await begin()) {
    if (types === undefined || types.some((type) => type === stored.type)) yield recorded(stored);
  }
}
