import { v7 } from "uuid";
import type { Ledger } from "../../src/api/ledger.ts";
import { openLedger } from "../../src/index.ts";
import { systemRuntime } from "../../src/runtime.ts";
import { eventStoreDbEventStore } from "../../src/store/eventstoredb.ts";
import { withEventStoreDb } from "./eventstoredb-server.ts";
import { copyStream, historyOf } from "./fixtures.ts";
import { median, micros, note, report, spread } from "./measure.ts";

/** Does a command on a warm project of 100,000 events cost more than on one of 10? */
const RUNS = 5;
const COMMANDS = 100;

async function latencyMs(ledger: Ledger, project: string): Promise<number> {
  const times: number[] = [];
  for (let index = 0; index < COMMANDS; index++) {
    const start = performance.now();
    await ledger.deploy({ project, commandId: v7() });
    times.push(performance.now() - start);
  }
  return median(times);
}

await withEventStoreDb(async (url) => {
  const store = await eventStoreDbEventStore(url, systemRuntime());
  for (const [project, models] of [
    ["Small", 5],
    ["Large", 50_000],
  ] as const) {
    const events = await copyStream(await historyOf(project, models), store, `modelLedger-${project}`);
    note(`${project}: ${events} events`);
  }
  await store.close();
  const ledger = await openLedger(url);
  await latencyMs(ledger, "Small");
  await latencyMs(ledger, "Large");
  const pairs: { readonly small: number; readonly large: number }[] = [];
  for (let run = 0; run < RUNS; run++) {
    pairs.push({ small: await latencyMs(ledger, "Small"), large: await latencyMs(ledger, "Large") });
  }
  report({
    question: "EventStoreDB: a command on a warm project of 100,000 events",
    ours: `${micros(median(pairs.map(({ large }) => large)))} median`,
    peer: `the same on one of 10 events: ${micros(median(pairs.map(({ small }) => small)))}`,
    ...spread(pairs.map(({ small, large }) => large / small)),
    unit: "× small",
    target: { atMost: 1.3 },
  });
  await ledger.close();
});
