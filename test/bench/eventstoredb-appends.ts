import { type AppendExpectedRevision, type AppendResult, EventStoreDBClient, NO_STREAM } from "@eventstore/db-client";
import { v7 } from "uuid";
import { systemRuntime } from "../../src/runtime.ts";
import type { EventStore, ExpectedRevision } from "../../src/store/event-store.ts";
import { eventStoreDbEventStore } from "../../src/store/eventstoredb.ts";
import { clientEvent, proposed, withEventStoreDb } from "./eventstoredb-server.ts";
import { median, perSecond, rate, report, spread } from "./measure.ts";

/** How many appends a second, against the bare client's batch path? */
const RUNS = 5;

/** Each writer appends one event after the other to a stream of its own. */
async function byOurs(store: EventStore, writers: number, each: number): Promise<void> {
  const writing = Array.from({ length: writers }, async () => {
    const stream = `modelLedger-${v7()}`;
    let expected: ExpectedRevision = "no_stream";
    for (let index = 0; index < each; index++) {
      expected = (await store.append(stream, [proposed()], expected)).revision;
    }
  });
  await Promise.all(writing);
}

async function byClient(client: EventStoreDBClient, writers: number, each: number): Promise<void> {
  const writing = Array.from({ length: writers }, async () => {
    const stream = `bare-${v7()}`;
    let expectedRevision: AppendExpectedRevision = NO_STREAM;
    for (let index = 0; index < each; index++) {
      const appended: AppendResult = await client.appendToStream(stream, [clientEvent()], { expectedRevision });
      expectedRevision = appended.nextExpectedRevision;
    }
  });
  await Promise.all(writing);
}

await withEventStoreDb(async (url) => {
  const store = await eventStoreDbEventStore(url, systemRuntime());
  const client = EventStoreDBClient.connectionString(url);
  for (const [question, writers, each] of [
    ["EventStoreDB: appends, one at a time", 1, 400],
    ["EventStoreDB: appends, 64 in flight over 64 streams", 64, 60],
  ] as const) {
    await byOurs(store, writers, each);
    await byClient(client, writers, each);
    const pairs: { readonly ours: number; readonly bare: number }[] = [];
    for (let run = 0; run < RUNS; run++) {
      pairs.push({
        ours: await rate(writers * each, () => byOurs(store, writers, each)),
        bare: await rate(writers * each, () => byClient(client, writers, each)),
      });
    }
    report({
      question,
      ours: perSecond(median(pairs.map(({ ours }) => ours))),
      peer: `the bare client, batch path: ${perSecond(median(pairs.map(({ bare }) => bare)))}`,
      ...spread(pairs.map(({ ours, bare }) => ours / bare)),
      unit: "×",
      target: { atLeast: 0.9 },
    });
  }
  await client.dispose();
  await store.close();
});
