import type { EventStore } from "../../src/store/event-store.ts";
import { appending } from "./contract/append.ts";
import { inOrder } from "./contract/in-order.ts";
import { keeping } from "./contract/keep.ts";
import { reading } from "./contract/reading.ts";
import { subscribing } from "./contract/subscribe.ts";
import { standing } from "./contract/the-rest.ts";
import { underLoad } from "./contract/under-load.ts";
import { freshStore } from "./events.ts";

/** What every store promises. `open` gives one, empty or not; no store is excused from a claim. */
export function eventStoreContract(name: string, open: () => Promise<EventStore>): void {
  const at = freshStore(open);
  for (const part of [appending, inOrder, reading, subscribing, keeping, standing, underLoad]) part(name, at);
}
