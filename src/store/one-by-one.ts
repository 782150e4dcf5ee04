import type { Append, EventStore } from "./event-store.ts";

/** `appendInOrder` where several appends cannot be put in one commit. */
export async function oneByOne(append: EventStore["append"], appends: readonly Append[]): Promise<void> {
  for (const { stream, events, expected } of appends) await append(stream, events, expected);
}
