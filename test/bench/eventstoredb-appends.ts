import { type AppendExpectedRevision, type AppendResult, EventStoreDBClient, NO_STREAM } from "@eventstore/db-client";
import { v7 } from "uuid";
import { systemRuntime } from "../../src/runtime.ts";
import type { EventStore, ExpectedRevision } from "../../src/store/event-store.ts";
import { eventStoreDbEventStore } from "../../src/store/eventstoredb.ts";
import { clientEvent, proposed, withEventStoreDb } from "./eventstoredb-server.ts";
import { median, perSecond, report, spread } from "./measure.ts";

/** How many appends a second, against the bare client's batch path? */
const RUNS = 5;
/** A run takes turns, so that whatever else the machine does hits both. */
const TURNS = 8;

async function elapsedMs(action: () => Promise<void>): Promise<number> {
  const start = performance.now();
  await action();
  return performance.now() - start;
}

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
    ["EventStoreDB: appends, one at a time", 1, 50],
    ["EventStoreDB: appends, 64 in flight over 64 streams", 64, 8],
  ] as const) {
    await byOurs(store, writers, each);
    await byClient(client, writers, each);
    const pairs: { readonly ours: number; readonly bare: number }[] = [];
    for (let run = 0; run < RUNS; run++) {
      let oursMs = 0;
      let bareMs = 0;
      for (let turn = 0; turn < TURNS; turn++) {
        oursMs += await elapsedMs(() => byOurs(store, writers, each));
        bareMs += await elapsedMs(() => byClient(client, writers, each));
      }
      const appends = writers * each * TURNS * 1_000;
      pairs.push({ ours: appends / oursMs, bare: appends / bareMs });
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
