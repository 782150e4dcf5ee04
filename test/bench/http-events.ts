import { fork } from "node:child_process";
import { once } from "node:events";
import { Agent, type IncomingMessage, request } from "node:http";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { openLedger } from "../../src/index.ts";
import { training } from "./fixtures.ts";
import { service } from "./http-load.ts";
import { cpuSeconds, inFolder, percentile, report } from "./measure.ts";

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

const agent = new Agent({ keepAlive: true });
const BODY = '{"strategy":"most_recent"}';

/** Not with `fetch`: that takes as much of a core as the readers, and the service would wait for it. */
async function deploy(url: string, index: number): Promise<Sent> {
  const askedMs = wallMs();
  const asking = request(`${url}/v1/projects/${encodeURIComponent(name(index))}/deployments`, {
    method: "POST",
    agent,
    headers: { "content-type": "application/json", "content-length": BODY.length },
  });
  asking.end(BODY);
  const [answer] = (await once(asking, "response")) as [IncomingMessage];
  const acknowledgedMs = wallMs();
  const body = await text(answer);
  if (answer.statusCode !== 201) throw new Error(`${answer.statusCode}: ${body}`);
  const { position } = JSON.parse(body) as { readonly position: string };
  return { position, askedMs, acknowledgedMs };
}

/** Gives the commands one after the other at their times, and what became of them. */
async function deployments(url: string, seconds: number): Promise<readonly Sent[]> {
  const sent: Promise<Sent>[] = [];
  const begun = performance.now();
  while (sent.length < seconds * EVENTS_PER_SECOND) {
    const due = ((performance.now() - begun) / 1_000) * EVENTS_PER_SECOND;
    while (sent.length < Math.min(due, seconds * EVENTS_PER_SECOND)) sent.push(deploy(url, sent.length));
    const nextMs = begun + (sent.length / EVENTS_PER_SECOND) * 1_000 - performance.now();
    await new Promise((resolve) => setTimeout(resolve, Math.max(1, nextMs)));
  }
  return Promise.all(sent);
}

async function reader(url: string) {
  const script = join(import.meta.dirname, "http-events-reader.ts");
  const child = fork(script, [url, String(CONNECTIONS / READERS)], { serialization: "advanced" });
  await once(child, "message"); // all its connections are open
  return {
    pid: child.pid ?? 0,
    /** How late each event was on each connection, in ms. */
    async delays(since: ReadonlyMap<string, number>): Promise<Float64Array> {
      child.send(since);
      const [delays] = await once(child, "message");
      return delays as Float64Array;
    },
    [Symbol.dispose]: () => child.kill(),
  };
}

type Processes = readonly { readonly pid: number }[];

/** Gives what tells how much of a core each of them took since: with more than this machine has, nothing here is true. */
function coresTaken(who: Readonly<Record<string, Processes>>): () => string {
  const took = (processes: Processes) => processes.reduce((sum, { pid }) => sum + cpuSeconds(pid), 0);
  const before = Object.entries(who).map(([name, processes]) => ({ name, processes, seconds: took(processes) }));
  const begunMs = wallMs();
  return () => {
    const lastedSeconds = (wallMs() - begunMs) / 1_000;
    return before
      .map(({ name, processes, seconds }) => `${name} ${((took(processes) - seconds) / lastedSeconds).toFixed(2)}`)
      .join(", ");
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
  const coresOf = coresTaken({ service: [served], readers, sender: [process] });
  const sent = await deployments(served.url, SECONDS);
  const cores = coresOf();
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
    ours: `p50 ${inMs(committed, 0.5)} ms, p99 ${p99.toFixed(2)} ms; from the request p50 ${inMs(asked, 0.5)} ms, p99 ${inMs(asked, 0.99)} ms; of a core ${cores}`,
    peer: "none",
    median: p99,
    min: p99,
    max: p99,
    unit: "ms",
    target: { atMost: 25 },
  });
});
