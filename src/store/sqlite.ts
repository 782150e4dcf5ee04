import { LedgerError } from "../errors.ts";
import type { Runtime } from "../runtime.ts";
import type { EventStore } from "./event-store.ts";

export async function sqliteEventStore(path: string, _runtime: Runtime): Promise<EventStore> {
  throw new LedgerError("STORE_UNAVAILABLE", `cannot open "${path}": the SQLite store is still being built`);
}
