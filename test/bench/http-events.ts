import { fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { openLedger } from "../../src/index.ts";
import { training } from "./fixtures.ts";
import { service } from "./http-load.ts";
import { inFolder, percentile, report } from "./measure.ts";

/**
 * How long from a commit to each of 200 connections that listen to `GET …/events`, at 200 events a second? The commands
 * come over HTTP, at their times whether or not the ones before are answered. An event counts as committed when its
 * command is answered; what comes before that counts as 0. Readers are processes of their own, all by the same clock.
 */
const READERS = 2;
const CONNECTIONS = 200;
const EVENTS_PER_SECOND = 200;
const WARM_UP_SECONDS = 3;
const SECONDS = 20;
const PROJECTS = 64;
const name = (index: number) => `Digits ${index % PROJECTS}`;
const wallMs = (): number => performance.timeOrigin + performance.now();

interface Sent {
  readonly position: string;
  readonly askedMs: number;
  readonly acknowledgedMs: number;
}

async function deploy(url: string, index: number): Promise<Sent> {
  const askedMs = wallMs();
  const answer = await fetch(`${url}/v1/projects/${encodeURIComponent(name(index))}/deployments`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: '{"strategy":"most_recent"}',
  });
  const acknowledgedMs = wallMs();
  if (answer.status !== 201) throw new Error(`${answer.status}: ${await answer.text()}`);
  const { position } = (await answer.json()) as { readonly position: string };
  return { position, askedMs, acknowledgedMs };
}

/** Gives the commands one after the other at their times, and what became of them. */
async function deployments(url: string, seconds: number): Promise<readonly Sent[]> {
  const sent: Promise<Sent>[] = [];
  const begun = performance.now();
  while (sent.length < seconds * EVENTS_PER_SECOND) {
    const due = ((performance.now() - begun) / 1_000) * EVENTS_PER_SECOND;
    while (sent.length < Math.min(due, seconds * EVENTS_PER_SECOND)) sent.push(deploy(url, sent.length));
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  return Promise.all(sent);
}

async function reader(url: string) {
  const script = join(import.meta.dirname, "http-events-reader.ts");
  const child = fork(script, [url, String(CONNECTIONS / READERS)], { serialization: "advanced" });
  await once(child, "message"); // all its connections are open
  return {
    /** How late each event was on each connection, in ms. */
    async delays(since: ReadonlyMap<string, number>): Promise<Float64Array> {
      child.send(since);
      const [delays] = await once(child, "message");
      return delays as Float64Array;
    },
    [Symbol.dispose]: () => child.kill(),
  };
}

await inFolder(async (folder) => {
  const store = `sqlite:${join(folder, "ledger.db")}`;
  {
    await using ledger = await openLedger(store);
    for (let index = 0; index < PROJECTS * 4; index++) await ledger.recordTraining(training(name(index), index));
  }
  await using served = await service(store);
  using stack = new DisposableStack();
  const readers = await Promise.all(Array.from({ length: READERS }, () => reader(served.url)));
  for (const one of readers) stack.use(one);
  await deployments(served.url, WARM_UP_SECONDS);
  const sent = await deployments(served.url, SECONDS);
  const delaysSince = async (of: (one: Sent) => number) => {
    const since = new Map(sent.map((one) => [one.position, of(one)]));
    return (await Promise.all(readers.map((one) => one.delays(since)))).flatMap((delays) => [...delays]);
  };
  const committed = await delaysSince(({ acknowledgedMs }) => acknowledgedMs);
  const asked = await delaysSince(({ askedMs }) => askedMs);
  const inMs = (delays: readonly number[], share: number) => percentile(delays, share).toFixed(2);
  const p99 = percentile(committed, 0.99);
  report({
    question: `from an acknowledged deployment to ${CONNECTIONS} connections to …/events, ${EVENTS_PER_SECOND} events/s, p99 of ${committed.length.toLocaleString("en")}`,
    ours: `p50 ${inMs(committed, 0.5)} ms, p99 ${p99.toFixed(2)} ms; from the request p50 ${inMs(asked, 0.5)} ms, p99 ${inMs(asked, 0.99)} ms`,
    peer: "none",
    median: p99,
    min: p99,
    max: p99,
    unit: "ms",
    target: { atMost: 25 },
  });
});
