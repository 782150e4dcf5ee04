import { expect, test } from "vitest";
import type { Ledger } from "../../src/api/ledger.ts";
import { LocalLedger } from "../../src/api/local-ledger.ts";
import type { EventStore, StoredEvent } from "../../src/store/event-store.ts";
import { memoryEventStore } from "../../src/store/memory.ts";
import { codeOf } from "../ledger/stores.ts";

const train = (ledger: Ledger, project: string, f1: number) =>
  ledger.recordTraining({ project, task: "classification", algorithm: "svm", metrics: { f1 }, reason: "nightly" });

async function written(): Promise<EventStore> {
  const store = memoryEventStore();
  const ledger = new LocalLedger(store, { actor: "ci" });
  for (const f1 of [0.1, 0.2]) for (const project of ["A", "B"]) await train(ledger, project, f1);
  return store;
}

/** The store as it reads after somebody meddled with what is in it. */
function meddled(store: EventStore, meddle: (event: StoredEvent) => StoredEvent | undefined): Ledger {
  async function* through(events: AsyncIterable<StoredEvent>) {
    for await (const event of events) {
      const seen = meddle(event);
      if (seen) yield seen;
    }
  }
  return new LocalLedger({
    ...store,
    readAll: (options) => through(store.readAll(options)),
    readStream: (stream, options) => through(store.readStream(stream, options)),
  });
}

const stream = "modelLedger-B";
const only =
  (revision: bigint, change: (event: StoredEvent) => StoredEvent | undefined) =>
  (event: StoredEvent): StoredEvent | undefined =>
    event.stream === stream && event.revision === revision ? change(event) : event;

test("an untouched log verifies, of one project and of all", async () => {
  const ledger = new LocalLedger(await written());
  expect(await ledger.verify()).toEqual({ ok: true, events: 8, streams: 2 });
  expect(await ledger.verify({ project: "B" })).toEqual({ ok: true, events: 4, streams: 1 });
  expect(await codeOf(ledger.verify({ project: "C" }))).toBe("PROJECT_NOT_FOUND");
});

test("how the JSON is written is no change; what it says is", async () => {
  const spaced = ({ data, metadata, ...event }: StoredEvent): StoredEvent => ({
    ...event,
    data: JSON.stringify(JSON.parse(data), null, 2),
    metadata: JSON.stringify(JSON.parse(metadata), null, 2),
  });
  expect(await meddled(await written(), spaced).verify()).toMatchObject({ ok: true, events: 8 });
});

test.each<readonly [string, (event: StoredEvent) => StoredEvent | undefined, bigint, RegExp]>([
  ["a score", only(2n, (event) => ({ ...event, data: event.data.replace("0.2", "0.9") })), 2n, /its content/],
  ["who did it", only(1n, (event) => ({ ...event, metadata: event.metadata.replace("ci", "eve") })), 1n, /its content/],
  ["why", only(0n, (event) => ({ ...event, metadata: event.metadata.replace("nightly", "x") })), 0n, /its content/],
  ["when", only(0n, (event) => ({ ...event, metadata: event.metadata.replace(/T\d\d:/, "T25:") })), 0n, /its content/],
  ["a type", only(3n, (event) => ({ ...event, type: "ModelRetired" })), 3n, /its content/],
  [
    "a hash",
    only(1n, (event) => ({ ...event, metadata: event.metadata.replace(/"hash":"./, '"hash":"z') })),
    1n,
    /its hash/,
  ],
  ["a field more", only(1n, (event) => ({ ...event, data: event.data.replace("{", '{"a":1,') })), 1n, /its content/],
  ["no hash", only(1n, (event) => ({ ...event, metadata: "{}" })), 1n, /no hash/],
  ["no JSON", only(1n, (event) => ({ ...event, data: "{" })), 1n, /not JSON/],
  ["null", only(1n, (event) => ({ ...event, metadata: "null" })), 1n, /not JSON/],
  ["a missing event", only(1n, () => undefined), 2n, /revision 1 is missing/],
  ["a missing beginning", only(0n, () => undefined), 1n, /revision 0 is missing/],
])("finds %s that was changed", async (_, meddle, revision, why) => {
  const ledger = meddled(await written(), meddle);
  for (const found of [await ledger.verify(), await ledger.verify({ project: "B" })]) {
    expect(found).toMatchObject({ ok: false, firstBroken: { stream, revision, why: expect.stringMatching(why) } });
  }
  expect(await ledger.verify({ project: "A" })).toMatchObject({ ok: true });
});

test("an event that was rewritten with a hash of its own breaks at the next one", async () => {
  const other = memoryEventStore();
  const forger = new LocalLedger(other, { actor: "eve" });
  await train(forger, "B", 0.1);
  const forged: StoredEvent[] = [];
  for await (const event of other.readStream(stream)) forged.push(event);
  const ledger = meddled(
    await written(),
    only(0n, (event) => ({ ...event, ...forged[0], position: event.position })),
  );
  expect((await ledger.verify()).firstBroken).toMatchObject({ stream, revision: 1n });
});

test("tells how far it is, and can be stopped", async () => {
  const store = memoryEventStore();
  const ledger = new LocalLedger(store);
  for (let index = 0; index < 1_100; index++)
    await ledger.setPolicy({ project: "A", policy: { minImprovement: index } });
  const seen: number[] = [];
  await ledger.verify({ onProgress: (events) => seen.push(events) });
  expect(seen).toEqual([1_000]);
  expect(await codeOf(ledger.verify({ signal: AbortSignal.abort() }))).toBe("ABORTED");
});
