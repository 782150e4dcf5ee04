import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { openLedger } from "../../src/index.ts";
import { systemRuntime } from "../../src/runtime.ts";
import { openStore } from "../../src/store/open-store.ts";
import { copyStream, historyOf, training } from "./fixtures.ts";
import { inFlight, inFolder, median, note, perSecond, rate, report, spread } from "./measure.ts";

/**
 * How do we compare with emmett-sqlite in its durable configuration: one connection, one call at a time, synchronous
 * FULL? With overlapping calls on that connection it acknowledges appends that a kill -9 then loses.
 */
const RUNS = 5;
const COUNT = 1_500;
const LONG = 100_000;
const PEER = join(import.meta.dirname, "peer");

interface Connection {
  readonly close: () => void;
  readonly command: (sql: string) => Promise<unknown>;
  readonly querySingle: (sql: string) => Promise<unknown>;
}
interface PeerEvent {
  readonly type: string;
  readonly data: object;
}
interface Emmett {
  readonly sqliteConnection: (options: { readonly fileName: string }) => Connection;
  readonly createEventStoreSchema: (connection: Connection) => Promise<void>;
  readonly appendToStream: (
    connection: Connection,
    stream: string,
    streamType: string,
    events: readonly PeerEvent[],
  ) => Promise<{ readonly success: boolean }>;
  readonly readStream: (connection: Connection, stream: string) => Promise<{ readonly events: readonly PeerEvent[] }>;
}

if (!existsSync(join(PEER, "node_modules"))) {
  note("skipped: the peer is not installed; run `npm install --legacy-peer-deps` in test/bench/peer");
  process.exit(0);
}
const require = createRequire(join(PEER, "package.json"));
const entry = require.resolve("@event-driven-io/emmett-sqlite").replace(/index\.cjs$/, "index.js");
const emmett = (await import(pathToFileURL(entry).href)) as Emmett;

async function openPeer(path: string): Promise<Connection> {
  const connection = emmett.sqliteConnection({ fileName: path });
  await connection.command("PRAGMA synchronous = FULL");
  await emmett.createEventStoreSchema(connection);
  return connection;
}

const eventFor = (index: number): PeerEvent => ({ type: "ModelTrained", data: training("Digits", index) });

async function peerAppends(path: string): Promise<number> {
  const connection = await openPeer(path);
  const append = async (index: number) => {
    const { success } = await emmett.appendToStream(connection, `s-${index % 64}`, "s", [eventFor(index)]);
    if (!success) throw new Error("the peer did not append");
  };
  for (let index = 0; index < 100; index++) await append(index);
  const result = await rate(COUNT, async () => {
    for (let index = 0; index < COUNT; index++) await append(index);
  });
  connection.close();
  return result;
}

async function ourAppends(path: string, width: number, count: number): Promise<number> {
  const ledger = await openLedger(`sqlite:${path}`);
  const command = (index: number) =>
    ledger.recordTraining({ ...training(`P${index % 64}`, index), automaticDeploy: false });
  await inFlight(256, width, command);
  const result = await rate(count, () => inFlight(count, width, (index) => command(index + 256)));
  await ledger.close();
  return result;
}

async function againstPeer(question: string, width: number, count: number, atLeast: number): Promise<void> {
  const pairs: { readonly ours: number; readonly peer: number }[] = [];
  for (let run = 0; run < RUNS; run++) {
    await inFolder(async (folder) => {
      const ours = await ourAppends(join(folder, "ours.db"), width, count);
      pairs.push({ ours, peer: await peerAppends(join(folder, "peer.db")) });
    });
  }
  report({
    question,
    ours: `${perSecond(median(pairs.map(({ ours }) => ours)))} trainings recorded`,
    peer: `emmett-sqlite, durable, one call at a time: ${perSecond(median(pairs.map(({ peer }) => peer)))}`,
    ...spread(pairs.map(({ ours, peer }) => ours / peer)),
    unit: "× peer",
    target: { atLeast },
  });
}

async function longStream(): Promise<void> {
  await inFolder(async (folder) => {
    const url = `sqlite:${join(folder, "ours.db")}`;
    const store = await openStore(url, systemRuntime());
    await copyStream(await historyOf("Long", LONG / 2), store, "modelLedger-Long");
    await store.close();
    const connection = await openPeer(join(folder, "peer.db"));
    for (let index = 0; index < LONG; index += 500) {
      const events = Array.from({ length: 500 }, (_, offset) => eventFor(index + offset));
      await emmett.appendToStream(connection, "long", "s", events);
    }
    const ledger = await openLedger(url);
    await ledger.deploy({ project: "Long" });
    const ratios: number[] = [];
    let ours = 0;
    let peer = 0;
    for (let run = 0; run < RUNS; run++) {
      const many: number[] = [];
      for (let index = 0; index < 100; index++) {
        const start = performance.now();
        await ledger.deploy({ project: "Long", strategy: index % 2 === 0 ? "most_recent" : "best_score" });
        many.push(performance.now() - start);
      }
      ours = median(many);
      const start = performance.now();
      const { events } = await emmett.readStream(connection, "long");
      if (events.length < LONG) throw new Error("the peer has lost events");
      await emmett.appendToStream(connection, "long", "s", [eventFor(run)]);
      peer = performance.now() - start;
      ratios.push(peer / ours);
    }
    report({
      question: "one command on a stream of 100,000 events, warm",
      ours: `${(ours * 1_000).toFixed(0)} µs`,
      peer: `emmett-sqlite, which reads the stream first: ${peer.toFixed(0)} ms`,
      ...spread(ratios),
      unit: "× faster",
      target: { atLeast: 500 },
    });
    await ledger.close();
    connection.close();
  });
}

await againstPeer("against emmett-sqlite, one at a time", 1, COUNT, 2.5);
await againstPeer("against emmett-sqlite, 64 in flight", 64, 20_000, 6);
await longStream();
