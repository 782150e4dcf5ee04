import { LedgerError } from "./errors.ts";
import { systemRuntime } from "./runtime.ts";
import type { ServerProjections } from "./store/server-projections.ts";

/**
 * The ledger's projections on the server that keeps the ledger at `url`.
 * @throws {LedgerError} INVALID_INPUT for a store that runs none, or a connection string that cannot be read.
 */
export async function openProjections(url: string): Promise<ServerProjections> {
  if (/^(esdb|kurrentdb)(\+discover)?:/i.test(url)) {
    const { eventStoreDbProjections } = await import("./store/eventstoredb/projections.ts");
    return eventStoreDbProjections(url, systemRuntime());
  }
  const [, scheme = ""] = /^([^:/]*):/.exec(url) ?? [];
  throw new LedgerError(
    "INVALID_INPUT",
    `a "${scheme}" store has no server that runs projections, and needs none: only one at esdb://… has (also esdb+discover://, kurrentdb://, kurrentdb+discover://)`,
    { scheme },
  );
}
