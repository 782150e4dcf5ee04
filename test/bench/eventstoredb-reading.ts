import { EventStoreDBClient } from "@eventstore/db-client";
import { systemRuntime } from "../../src/runtime.ts";
import type { EventStore, ExpectedRevision } from "../../src/store/event-store.ts";
import { eventStoreDbEventStore } from "../../src/store/eventstoredb.ts";
import { proposed, withEventStoreDb } from "./eventstoredb-server.ts";
import { median, perSecond, rate, report, spread } from "./measure.ts";

/** How fast is a stream of 100,000 events read, against the bare client? */
const EVENTS = 100_000;
const RUNS = 5;
const stream = "modelLedger-Large";

async function write(store: EventStore): Promise<void> {
  let expected: ExpectedRevision = "no_stream";
  for (let written = 0; written < EVENTS; written += 500) {
    expected = (await store.append(stream, Array.from({ length: 500 }, proposed), expected)).revision;
  }
}

async function count(events: AsyncIterable<unknown>): Promise<void> {
  let seen = 0;
  for await (const _ of events) seen += 1;
  if (seen !== EVENTS) throw new Error(`${seen} events`);
}

await withEventStoreDb(async (url) => {
  const store = await eventStoreDbEventStore(url, systemRuntime());
  const client = EventStoreDBClient.connectionString(url);
  await write(store);
  const pairs: { readonly ours: number; readonly bare: number }[] = [];
  for (let run = 0; run < RUNS; run++) {
    pairs.push({
      ours: await rate(EVENTS, () => count(store.readStream(stream))),
      bare: await rate(EVENTS, () => count(client.readStream(stream))),
    });
  }
  report({
    question: "EventStoreDB: reading a stream of 100,000 events",
    ours: perSecond(median(pairs.map(({ ours }) => ours))),
    peer: `the bare client: ${perSecond(median(pairs.map(({ bare }) => bare)))}`,
    ...spread(pairs.map(({ ours, bare }) => ours / bare)),
    unit: "×",
    target: { atLeast: 0.85 },
  });
  await client.dispose();
  await store.close();
});
