import { fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { openLedger } from "../../src/index.ts";
import { training } from "./fixtures.ts";
import { inFolder, percentile, report, spread } from "./measure.ts";

/** How long from a commit to a subscriber, in this process and in another one on the same file? */
const RUNS = 3;
const EVENTS = 300;

interface Clocked {
  readonly receivedMs: number;
  readonly revision: string;
}

const wallMs = (): number => performance.timeOrigin + performance.now();

async function inProcess(): Promise<number> {
  return inFolder(async (folder) => {
    await using ledger = await openLedger(`sqlite:${join(folder, "ledger.db")}`);
    const received = new Map<bigint, number>();
    const stop = new AbortController();
    const reading = (async () => {
      for await (const event of ledger.subscribe({ from: "end", signal: stop.signal })) {
        received.set(event.revision, wallMs());
      }
    })();
    const acknowledged = new Map<bigint, number>();
    for (let index = 0; index < EVENTS; index++) {
      const { revision } = await ledger.recordTraining({ ...training("Digits", index), automaticDeploy: false });
      acknowledged.set(revision, wallMs());
    }
    while (received.size < EVENTS) await new Promise((resolve) => setTimeout(resolve, 5));
    stop.abort();
    await reading;
    return percentile(latencies(acknowledged, received), 0.99);
  });
}

async function otherProcess(): Promise<number> {
  return inFolder(async (folder) => {
    const url = `sqlite:${join(folder, "ledger.db")}`;
    await using ledger = await openLedger(url);
    await ledger.setPolicy({ project: "Digits", policy: { automaticDeploy: "off" } });
    const child = fork(join(import.meta.dirname, "subscriber-process.ts"), [url, String(EVENTS)]);
    const received = new Map<bigint, number>();
    child.on("message", (message: Clocked | "ready") => {
      if (message !== "ready") received.set(BigInt(message.revision), message.receivedMs);
    });
    await once(child, "message");
    const acknowledged = new Map<bigint, number>();
    for (let index = 0; index < EVENTS; index++) {
      const { revision } = await ledger.recordTraining(training("Digits", index));
      acknowledged.set(revision, wallMs());
      await new Promise((resolve) => setTimeout(resolve, 7));
    }
    await once(child, "exit");
    return percentile(latencies(acknowledged, received), 0.99);
  });
}

function latencies(sent: ReadonlyMap<bigint, number>, received: ReadonlyMap<bigint, number>): number[] {
  return [...sent].map(([revision, at]) => Math.max(0, (received.get(revision) ?? Number.POSITIVE_INFINITY) - at));
}

async function measure(question: string, p99: () => Promise<number>, atMost: number): Promise<void> {
  const runs: number[] = [];
  for (let run = 0; run < RUNS; run++) runs.push(await p99());
  const { median } = spread(runs);
  report({
    question,
    ours: `p99 ${median.toFixed(2)} ms`,
    peer: "none",
    ...spread(runs),
    unit: "ms",
    target: { atMost },
  });
}

await measure("acknowledged commit to a subscriber in the same process, p99", inProcess, 5);
await measure("acknowledged commit to a subscriber in another process, p99", otherProcess, 100);
