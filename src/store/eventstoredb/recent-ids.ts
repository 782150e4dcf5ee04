import { LRUCache } from "lru-cache";
import type { TakenId } from "../append-rules.ts";
import type { Appended } from "../event-store.ts";

/** As many as the project fold remembers commands. */
const MAX_IDS = 10_000;

/**
 * Where the events are that this store appended lately. EventStoreDB keeps no index of ids: left alone it would write an
 * event again in another stream, or later in the same one. Two stores that give one id to two streams are not noticed;
 * the ledger's ids are derived from the project and the command, or new.
 */
export function recentIds() {
  const taken = new LRUCache<string, TakenId>({ max: MAX_IDS });
  return {
    find: (id: string): TakenId | undefined => taken.get(id),
    remember(stream: string, ids: readonly string[], { revision, position }: Appended): void {
      for (const [index, id] of ids.entries()) {
        taken.set(id, { stream, revision: revision - BigInt(ids.length - 1 - index), position });
      }
    },
  };
}
