import { z } from "zod";
import type { Ledger, LedgerOptions } from "./api/ledger.ts";
import { LocalLedger } from "./api/local-ledger.ts";
import { optionsOf } from "./api/options.ts";
import { validated } from "./domain/commands.ts";
import { systemRuntime } from "./runtime.ts";
import { openStore } from "./store/open-store.ts";

/**
 * Opens the ledger at `url`: "memory:", "sqlite:<path>", or "esdb://…" for EventStoreDB.
 * @throws {LedgerError} INVALID_INPUT for an unknown scheme or option, STORE_UNAVAILABLE when it cannot be opened.
 */
export async function openLedger(url: string, options: LedgerOptions = {}): Promise<Ledger> {
  const address = validated(z.string(), url, "store address");
  const runtime = optionsOf(options).runtime ?? systemRuntime();
  return new LocalLedger(await openStore(address, runtime), { ...options, runtime });
}
