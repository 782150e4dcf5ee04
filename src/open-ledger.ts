import { z } from "zod";
import type { Ledger, LedgerOptions } from "./api/ledger.ts";
import { LocalLedger } from "./api/local-ledger.ts";
import { optionsOf } from "./api/options.ts";
import { validated } from "./domain/commands.ts";
import { LedgerError } from "./errors.ts";
import { sqliteReadModel } from "./read-model/read-model.ts";
import { systemRuntime } from "./runtime.ts";
import type { EventStore } from "./store/event-store.ts";
import { openStore } from "./store/open-store.ts";

/**
 * Opens the ledger at `url`: "memory:", "sqlite:<path>", "esdb://…" for EventStoreDB, or "http://…" for a service.
 * @throws {LedgerError} INVALID_INPUT for an unknown scheme or option, STORE_UNAVAILABLE when it cannot be opened.
 */
export async function openLedger(url: string, options: LedgerOptions = {}): Promise<Ledger> {
  if (!isService(url)) return (await openWithStore(url, options)).ledger;
  optionsOf(options);
  if (options.defaultPolicy !== undefined) {
    throw new LedgerError("INVALID_INPUT", "defaultPolicy: the service at the other end has its own");
  }
  const { RemoteLedger } = await import("./remote/remote-ledger.ts");
  const ledger = new RemoteLedger(new URL(url), options);
  await ledger.check();
  return ledger;
}

/** Whether the address is that of a service, not of a store. */
export const isService = (url: unknown): url is string =>
  typeof url === "string" && /^https?:\/\//i.test(url) && URL.canParse(url);

/** A ledger and the store under it, for a service that keeps things of its own there. Closing the ledger closes both. */
export interface LedgerWithStore {
  readonly ledger: LocalLedger;
  readonly store: EventStore;
}

/** As {@link openLedger}. */
export async function openWithStore(url: string, options: LedgerOptions = {}): Promise<LedgerWithStore> {
  const address = validated(z.string(), url, "store address");
  if (isService(address)) {
    throw new LedgerError("INVALID_INPUT", `${address} is a service: this needs the store behind it`, { address });
  }
  const { runtime = systemRuntime(), readModel: path } = optionsOf(options);
  const store = await openStore(address, runtime);
  const readModel = sqliteReadModel(store, path ?? besideFile(store.address));
  return { ledger: new LocalLedger(store, { ...options, runtime }, { readModel }), store };
}

/** A ledger in a file has its read model in a file beside it; undefined for any other. */
function besideFile(address: string): string | undefined {
  const [, path] = /^sqlite:(.+)$/s.exec(address) ?? [];
  return path === undefined ? undefined : `${path}.read-model`;
}
