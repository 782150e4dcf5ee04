import {
  type AppendExpectedRevision,
  END,
  EventStoreDBClient,
  NO_STREAM,
  streamNameFilter,
} from "@eventstore/db-client";
import { systemRuntime } from "../../src/runtime.ts";
import type { EventStore, ExpectedRevision } from "../../src/store/event-store.ts";
import { eventStoreDbEventStore } from "../../src/store/eventstoredb.ts";
import { clientEvent, proposed, withEventStoreDb } from "./eventstoredb-server.ts";
import { median, report, spread } from "./measure.ts";

/** How long from an append to a subscriber of the whole log in the same process, against the bare client? */
const RUNS = 5;
const EVENTS = 300;
const ms = (value: number): string => `${value.toFixed(2)} ms`;

/** Times until the subscriber has the event; `append` is told the revision before. */
async function latencyMs(
  events: AsyncIterator<unknown>,
  append: (last: bigint) => Promise<bigint>,
  last: { revision: bigint },
): Promise<number> {
  const times: number[] = [];
  for (let index = 0; index < EVENTS; index++) {
    const start = performance.now();
    const next = events.next().then(() => performance.now());
    const [seenAt, revision] = await Promise.all([next, append(last.revision)]);
    last.revision = revision;
    times.push(seenAt - start);
  }
  return median(times);
}

async function followOurs(store: EventStore): Promise<() => Promise<number>> {
  const events = (await store.subscribe({ after: "end" }))[Symbol.asyncIterator]();
  const last = { revision: -1n };
  return () =>
    latencyMs(
      events,
      async (revision) => {
        const expected: ExpectedRevision = revision < 0n ? "no_stream" : revision;
        return (await store.append("modelLedger-Followed", [proposed()], expected)).revision;
      },
      last,
    );
}

function followClient(client: EventStoreDBClient): () => Promise<number> {
  const filter = streamNameFilter({ prefixes: ["bare-"], checkpointInterval: 10 });
  const events = client.subscribeToAll({ fromPosition: END, filter })[Symbol.asyncIterator]();
  const last = { revision: -1n };
  return () =>
    latencyMs(
      events,
      async (revision) => {
        const expectedRevision: AppendExpectedRevision = revision < 0n ? NO_STREAM : revision;
        const appended = await client.appendToStream("bare-Followed", [clientEvent()], { expectedRevision });
        return appended.nextExpectedRevision;
      },
      last,
    );
}

await withEventStoreDb(async (url) => {
  const store = await eventStoreDbEventStore(url, systemRuntime());
  const client = EventStoreDBClient.connectionString(url);
  const ours = await followOurs(store);
  const bare = followClient(client);
  await ours();
  await bare();
  const pairs: { readonly ours: number; readonly bare: number }[] = [];
  for (let run = 0; run < RUNS; run++) pairs.push({ ours: await ours(), bare: await bare() });
  report({
    question: "EventStoreDB: from an append to a subscriber of the log in the same process",
    ours: `${ms(median(pairs.map((pair) => pair.ours)))} median`,
    peer: `the bare client: ${ms(median(pairs.map((pair) => pair.bare)))}`,
    ...spread(pairs.map((pair) => pair.ours / pair.bare)),
    unit: "×",
    target: { atMost: 1.3 },
  });
  await store.close();
});
process.exit(); // the client's subscription would keep the process
