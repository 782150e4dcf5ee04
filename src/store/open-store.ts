import { LedgerError } from "../errors.ts";
import type { Runtime } from "../runtime.ts";
import type { EventStore } from "./event-store.ts";

/** Schemes and how to write them; messages list them. */
const SCHEMES =
  'memory:, sqlite:<path>, for example "sqlite:./model-ledger.db", and esdb://<host>:<port> (also esdb+discover://, kurrentdb://, kurrentdb+discover://)';

/**
 * Opens the store that `url` names. Adapters are loaded when they are asked for: a command that uses one does not pay
 * for the others.
 * @throws {LedgerError} INVALID_INPUT for another scheme; STORE_UNAVAILABLE or CORRUPT when it cannot be opened.
 */
export async function openStore(url: string, runtime: Runtime): Promise<EventStore> {
  const [, scheme = "", rest = ""] = /^([a-z][a-z0-9+]*):(.*)$/is.exec(url) ?? [];
  switch (scheme.toLowerCase()) {
    case "memory": {
      if (rest !== "") throw unknownStore(url, `"memory:" takes nothing after the colon`);
      const { memoryEventStore } = await import("./memory.ts");
      return memoryEventStore();
    }
    case "sqlite": {
      const { sqliteEventStore } = await import("./sqlite.ts");
      return sqliteEventStore(sqlitePath(url, rest), runtime);
    }
    case "esdb":
    case "esdb+discover":
    case "kurrentdb":
    case "kurrentdb+discover": {
      const { eventStoreDbEventStore } = await import("./eventstoredb.ts");
      return eventStoreDbEventStore(url, runtime);
    }
    default:
      throw unknownStore(url, `unknown store "${withoutPassword(url)}"`);
  }
}

/** `sqlite:./a.db`, `sqlite:/var/a.db` and, as other tools write it, `sqlite:///var/a.db`. */
function sqlitePath(url: string, rest: string): string {
  if (rest.trim() === "") throw unknownStore(url, `"${url}" names no file`);
  if (rest === ":memory:") throw unknownStore(url, `"${url}" would forget everything`);
  if (/^\/\/[^/]/.test(rest)) throw unknownStore(url, `"${url}" is ambiguous: write sqlite:./a.db or sqlite:/a.db`);
  return rest;
}

const unknownStore = (url: string, why: string): LedgerError =>
  new LedgerError("INVALID_INPUT", `${why}; stores are ${SCHEMES}`, { store: withoutPassword(url) });

const withoutPassword = (url: string): string => url.replace(/\/\/[^/@]*@/, "//…@");
