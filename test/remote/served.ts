import type { Ledger, LedgerOptions } from "../../src/api/ledger.ts";
import { LocalLedger } from "../../src/api/local-ledger.ts";
import { httpApp } from "../../src/http/app.ts";
import { openLedger } from "../../src/open-ledger.ts";
import { systemRuntime } from "../../src/runtime.ts";
import type { EventStore } from "../../src/store/event-store.ts";

/** A ledger on the store, behind a service of its own, as who asks over HTTP has it; closing it closes both. */
export async function servedLedger(store: EventStore, options: LedgerOptions = {}): Promise<Ledger> {
  const local = new LocalLedger(store, options);
  const app = await httpApp(local, { rate: false });
  const url = await app.listen({ port: 0, host: "127.0.0.1" });
  const { runtime = systemRuntime(), actor = runtime.actor } = options;
  const remote = await openLedger(url, { actor });
  const close = remote.close.bind(remote);
  remote.close = async () => {
    await close();
    await app.close();
    await local.close();
  };
  return remote;
}
