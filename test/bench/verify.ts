import { hash } from "node:crypto";
import { loadavg } from "node:os";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { generateKeys, openLedger } from "../../src/index.ts";
import { canonical, GENESIS_HASH, link, withHash } from "../../src/ledger/hash-chain.ts";
import { systemRuntime } from "../../src/runtime.ts";
import type { EventStore, NewEvent } from "../../src/store/event-store.ts";
import { openStore } from "../../src/store/open-store.ts";
import { historyOf } from "./fixtures.ts";
import { inFolder, note, report, spread } from "./measure.ts";

/** How long does it take to verify a million events, to sign a checkpoint over them, and does anybody else get a turn? */
const EVENTS = 1_000_000;
const PROJECTS = 10;
const BATCH = 400;
const RUNS = 2;

/** A real project's trainings, as often as asked for, chained anew. */
async function write(store: EventStore, project: string, count: number): Promise<void> {
  const stream = `modelLedger-${project}`;
  const model: { readonly type: string; readonly data: string; readonly metadata: object }[] = [];
  for await (const { type, data, metadata } of (await historyOf(project, BATCH / 2)).readStream(stream)) {
    const { hash: _, ...rest } = JSON.parse(metadata) as Readonly<Record<string, unknown>>;
    model.push({ type, data, metadata: rest });
  }
  let previous = GENESIS_HASH;
  let expected: bigint | "no_stream" = "no_stream";
  const ids = systemRuntime();
  for (let written = 0; written < count; written += BATCH) {
    const events: NewEvent[] = model.slice(0, BATCH).map(({ type, data, metadata }) => {
      const rest = canonical(metadata);
      previous = link(previous, type, data, rest);
      return { id: ids.newId(), type, data, metadata: withHash(rest, previous) };
    });
    ({ revision: expected } = await store.append(stream, events, expected));
  }
}

async function timed(act: () => Promise<unknown>) {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const begun = performance.now();
  await act();
  const seconds = (performance.now() - begun) / 1_000;
  delay.disable();
  return { seconds, stallMs: delay.max / 1_000_000 };
}

const load = () => `the machine at a load of ${Math.round(loadavg()[0] ?? 0)}`;

await inFolder(async (folder) => {
  const url = `sqlite:${join(folder, "million.db")}`;
  const store = await openStore(url, systemRuntime());
  for (let index = 0; index < PROJECTS; index++) await write(store, `Project ${index}`, EVENTS / PROJECTS);
  const ledger = await openLedger(url);
  const { privateKey: key } = generateKeys("bench");
  const runs: { readonly verify: number; readonly sign: number; readonly floor: number; readonly stallMs: number }[] =
    [];
  for (let run = 0; run < RUNS; run++) {
    const verify = await timed(() => ledger.verify());
    const sign = await timed(() => ledger.checkpoint({ key }));
    const floor = await timed(async () => {
      for await (const { data, metadata } of store.readAll()) hash("sha256", data + metadata, "buffer");
    });
    runs.push({ verify: verify.seconds, sign: sign.seconds, floor: floor.seconds, stallMs: verify.stallMs });
    note(
      `${verify.seconds.toFixed(1)} s verify, ${sign.seconds.toFixed(1)} s checkpoint, ${floor.seconds.toFixed(1)} s floor, ${load()}`,
    );
  }
  const floor = `reading and hashing the same text once: ${spread(runs.map((run) => run.floor)).median.toFixed(1)} s`;
  for (const [question, of] of [
    [`verifying ${EVENTS.toLocaleString("en")} events on SQLite (${load()})`, "verify"],
    [`signing a checkpoint over ${EVENTS.toLocaleString("en")} events, chains verified (${load()})`, "sign"],
  ] as const) {
    const seconds = spread(runs.map((run) => run[of]));
    const ratio = spread(runs.map((run) => run[of] / run.floor));
    const ours = `${seconds.median.toFixed(1)} s, ${ratio.median.toFixed(1)} × the floor`;
    report({ question, ours, peer: floor, ...seconds, unit: "s", target: { atMost: 15 } });
  }
  report({
    question: "the longest time that the process was not free for others while it verified",
    ours: `${spread(runs.map((run) => run.stallMs)).median.toFixed(0)} ms`,
    peer: "none",
    ...spread(runs.map((run) => run.stallMs)),
    unit: "ms",
    target: { atMost: 100 },
  });
  await ledger.close();
  await store.close();
});
