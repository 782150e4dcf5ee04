import { LedgerError } from "../errors.ts";
import type { Runtime } from "../runtime.ts";
import type { EventStore } from "./event-store.ts";

/** Schemes and how to write them; messages list them. */
const SCHEMES =
  'memory:, sqlite:<path>, for example "sqlite:./model-ledger.db", esdb://<host>:<port> (also esdb+discover://, kurrentdb://, kurrentdb+discover://), and http://<host>:<port> for a service';

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
      throw unknownStore(url, `unknown store "${withoutPassword(url)}"${meant(url)}`);
  }
}

/** `sqlite:./a.db`, `sqlite:/var/a.db` and, as other tools write it, `sqlite:///var/a.db`. */
function sqlitePath(url: string, rest: string): string {
  if (rest.trim() === "") throw unknownStore(url, `"${url}" names no file`);
  if (rest === ":memory:") throw unknownStore(url, `"${url}" is no file: write "memory:"`);
  const [, path] = /^\/\/([^/].*)$/s.exec(rest) ?? [];
  if (path !== undefined) throw unknownStore(url, `"${url}" is ambiguous: write "sqlite:${path}" or "sqlite:/${path}"`);
  return rest;
}

/** How to write what comes without a scheme, which is a file's path as a rule. */
function meant(url: string): string {
  if (url.trim() === "" || url.includes(":")) return "";
  return `: write "${/^memory$/i.test(url) ? "memory:" : `sqlite:${url}`}"`;
}

const unknownStore = (url: string, why: string): LedgerError =>
  new LedgerError("INVALID_INPUT", `${why}; stores are ${SCHEMES}`, { store: withoutPassword(url) });

const withoutPassword = (url: string): string => url.replace(/\/\/[^/@]*@/, "//…@");
