import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe } from "vitest";
import type { Ledger, LedgerOptions } from "../../src/api/ledger.ts";
import { LocalLedger } from "../../src/api/local-ledger.ts";
import { systemRuntime } from "../../src/runtime.ts";
import type { EventStore } from "../../src/store/event-store.ts";
import { eventStoreDbEventStore } from "../../src/store/eventstoredb.ts";
import { memoryEventStore } from "../../src/store/memory.ts";
import { openStore } from "../../src/store/open-store.ts";
import { servedLedger } from "../remote/served.ts";
import { freshCategory, onEventStoreDb } from "../store/server.ts";

/** A place that ledgers can be opened on again and again, as after a restart. */
export interface Place {
  readonly open: (options?: LedgerOptions) => Promise<Ledger>;
  readonly store: () => Promise<EventStore>;
}

/** Runs the same claims on each store; each `place()` is empty. */
export function onEveryStore(claims: (place: () => Place) => void): void {
  describe("on memory:", () => {
    claims(() => {
      const store = memoryEventStore();
      // A memory store lives as long as the test: a closed ledger must not close it.
      const shared: EventStore = { ...store, close: async () => undefined };
      return { open: async (options) => new LocalLedger(shared, options), store: async () => shared };
    });
  });
  describe("on sqlite:", () => {
    const folder = mkdtempSync(join(tmpdir(), "model-ledger-test-"));
    afterAll(() => rmSync(folder, { recursive: true, force: true }));
    let files = 0;
    claims(() => {
      files += 1;
      const url = `sqlite:${join(folder, `${files}.db`)}`;
      const store = () => openStore(url, systemRuntime());
      return { store, open: async (options) => new LocalLedger(await store(), options) };
    });
  });
  onEventStoreDb((url) => {
    claims(() => {
      const category = freshCategory();
      const store = () => eventStoreDbEventStore(url(), systemRuntime(), { category });
      return { store, open: async (options) => new LocalLedger(await store(), options) };
    });
  });
}

/** As {@link onEveryStore}, and over HTTP from a service. */
export function onEveryLedger(claims: (place: () => Place) => void): void {
  onEveryStore(claims);
  describe("on http:", () => {
    claims(() => {
      const store = memoryEventStore();
      const shared: EventStore = { ...store, close: async () => undefined };
      return { open: (options) => servedLedger(shared, options), store: async () => shared };
    });
  });
}

/** The code of the error that `action` ends in, or what it came to. */
export async function codeOf(action: Promise<unknown>): Promise<unknown> {
  try {
    return { accepted: await action };
  } catch (error) {
    return error instanceof Error && "code" in error ? error.code : error;
  }
}

export async function eventsIn(ledger: Ledger): Promise<number> {
  return (await ledger.verify()).events;
}
