import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { Agent, get, type IncomingMessage } from "node:http";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { createParser, type EventSourceMessage } from "eventsource-parser";
import { onTestFinished as afterwards, expect, test } from "vitest";
import { LocalLedger } from "../../src/api/local-ledger.ts";
import { type HttpOptions, httpApp } from "../../src/http/app.ts";
import { systemRuntime } from "../../src/runtime.ts";
import type { EventStore } from "../../src/store/event-store.ts";
import { memoryEventStore } from "../../src/store/memory.ts";
import { sqliteEventStore } from "../../src/store/sqlite.ts";

const task = "classification";

async function served(options: HttpOptions = {}, store: EventStore = memoryEventStore()) {
  const ledger = new LocalLedger(store);
  const draining = new AbortController();
  const app = await httpApp(ledger, { rate: false, draining: draining.signal, ...options });
  const url = await app.listen({ port: 0, host: "127.0.0.1" });
  const agent = new Agent();
  afterwards(async () => {
    draining.abort();
    agent.destroy();
    app.server.closeAllConnections();
    await app.close();
    await ledger.close();
  });
  const train = (project: string, f1: number, more: object = {}) =>
    ledger.recordTraining({ project, task, algorithm: "svm", metrics: { f1 }, ...more });
  return { ledger, app, draining, url, agent, train };
}

function answerOf(
  url: string,
  headers: Readonly<Record<string, string>> = {},
  agent?: Agent,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    get(url, { headers, ...(agent && { agent }) }, resolve).on("error", reject);
  });
}

/** What a stream says, until `isEnough` or its end. */
async function heard(
  url: string,
  isEnough: (events: readonly EventSourceMessage[], comments: readonly string[]) => boolean,
  headers: Readonly<Record<string, string>> = {},
) {
  const answer = await answerOf(url, headers);
  const [events, comments]: [EventSourceMessage[], string[]] = [[], []];
  const parser = createParser({ onEvent: (event) => events.push(event), onComment: (text) => comments.push(text) });
  for await (const chunk of answer) {
    parser.feed(String(chunk));
    if (isEnough(events, comments)) break;
  }
  answer.destroy();
  return { status: answer.statusCode, events, comments };
}

const idsOf = (events: readonly EventSourceMessage[]) => events.map(({ id }) => id);

async function positionsOf(ledger: LocalLedger, count: number): Promise<string[]> {
  const positions: string[] = [];
  for await (const { position } of ledger.subscribe({ signal: AbortSignal.timeout(60_000) })) {
    if (positions.push(position) === count) break;
  }
  return positions;
}

test("cut off anywhere and resumed by Last-Event-ID, a reader has every event once", async () => {
  const { ledger, url, train } = await served();
  const writing = (async () => {
    for (let n = 1; n <= 200; n++) await train(`P${n % 7}`, n / 1_000, { automaticDeploy: false });
  })();
  const ids: string[] = [];
  let [lastId, cuts] = ["", 0];
  while (ids.length < 200) {
    const answer = await answerOf(`${url}/v1/events?from=start`, lastId === "" ? {} : { "last-event-id": lastId });
    const parser = createParser({
      onEvent({ id = "", event }) {
        lastId = id; // what a browser keeps
        if (event !== "end") ids.push(id);
      },
    });
    let left = 1 + Math.floor(Math.random() * 20_000); // bytes until the line is cut, in the middle of whatever comes
    for await (const chunk of answer) {
      const some = (chunk as Buffer).subarray(0, left);
      parser.feed(some.toString("latin1"));
      left -= some.length;
      if (left === 0 || ids.length >= 200) break;
    }
    answer.destroy();
    cuts += 1;
  }
  await writing;
  expect(cuts).toBeGreaterThan(3);
  expect(ids).toEqual(await positionsOf(ledger, 200));
});

test("from says where to begin, Last-Event-ID goes before it, and what is neither is refused", async () => {
  const { ledger, url, train } = await served();
  await train("A", 0.1);
  await train("A", 0.2);
  const all = await positionsOf(ledger, 4);
  const after = async (query: string, count: number, headers = {}) =>
    idsOf((await heard(`${url}/v1/events${query}`, (events) => events.length >= count, headers)).events);
  expect(await after("?from=start", 4)).toEqual(all);
  expect(await after(`?from=${all[1]}`, 2)).toEqual(all.slice(2));
  expect(await after(`?from=start`, 1, { "last-event-id": String(all[2]) })).toEqual(all.slice(3));
  expect(await after(`?from=${all[2]}`, 1, { "last-event-id": "" })).toEqual(all.slice(3));
  const fromEnd = await answerOf(`${url}/v1/events`); // it has begun once there are headers
  await train("A", 0.3);
  let text = "";
  for await (const chunk of fromEnd) {
    text += String(chunk);
    if (text.includes("event: ModelDeployed")) break;
  }
  expect(text).toContain(`id: ${all[3]}\n\n`); // where it began: cut off now, it would go on from here
  expect(text.match(/^event: .*/gm)).toEqual(["event: ModelTrained", "event: ModelDeployed"]);
  for (const [query, headers] of [
    ["from=nowhere", {}],
    ["from=0", {}],
    ["", { "last-event-id": "yesterday" }],
    ["type=Nothing", {}],
    ["since=1", {}],
  ] as const) {
    expect([query, (await heard(`${url}/v1/events?${query}`, () => false, headers)).status]).toEqual([query, 400]);
  }
});

test("a stream from beyond the end of the log says so, and begins there", async () => {
  const { ledger, url, train } = await served();
  const opening = async (position: string) =>
    (await heard(`${url}/v1/events`, (_, { length }) => length > 0, { "last-event-id": position })).comments;
  const beyond = "0000000000000003";
  expect(await opening(beyond)).toEqual(["connected", `the log is empty, and has not reached ${beyond}`]);
  await train("A", 0.1);
  const [first = "", last = ""] = await positionsOf(ledger, 2);
  expect(await opening(beyond)).toEqual(["connected", `the log is at ${last}, and has not reached ${beyond}`]);
  expect([await opening(first), await opening(last)]).toEqual([["connected"], ["connected"]]);
  const stream = await answerOf(`${url}/v1/events`, { "last-event-id": beyond });
  await train("A", 0.2);
  let text = "";
  for await (const chunk of stream) {
    text += String(chunk);
    if (text.includes("event: ")) break;
  }
  expect(text.match(/^event: .*/gm)).toEqual(["event: ModelDeployed"]);
});

test("a stream shows what project and type ask for", async () => {
  const { ledger, url, train } = await served();
  for (const project of ["A", "B / ü", "A"]) await train(project, Math.random());
  await ledger.retireModel({ project: "B / ü", model: 1, reason: "old" });
  await ledger.setPolicy({ project: "A", policy: { minImprovement: 1 } });
  const seen = async (query: string, last: string) => {
    const { events } = await heard(`${url}/v1/events?from=start&${query}`, (all) => all.at(-1)?.event === last);
    return events.map(({ event, data }) => `${event} ${JSON.parse(data).data.project}`);
  };
  const b = encodeURIComponent("B / ü");
  expect(await seen(`project=${b}`, "ModelRetired")).toEqual([
    "ModelTrained B / ü",
    "ModelDeployed B / ü",
    "ModelRetired B / ü",
  ]);
  const both = ["ModelRetired B / ü", "PolicySet A"];
  expect(await seen("type=ModelRetired&type=PolicySet", "PolicySet")).toEqual(both);
  expect(await seen("type=ModelRetired,PolicySet", "PolicySet")).toEqual(both);
  expect(await seen(`project=A&type=PolicySet`, "PolicySet")).toEqual(["PolicySet A"]);
});

test("a stream beats while nothing happens, and says why it ends when the service does", async () => {
  const { url, draining } = await served({ heartbeatMs: 20 });
  const { events, comments } = await heard(`${url}/v1/events`, (_, said) => {
    if (said.filter((text) => text.includes("heartbeat")).length === 3) draining.abort();
    return false;
  });
  expect(comments.length).toBeGreaterThanOrEqual(3);
  expect(events).toMatchObject([{ event: "end", data: '{"reason":"draining"}' }]);
});

async function streamsOpen(url: string): Promise<number> {
  const [, count] = /^\w*event_streams (\d+)$/m.exec(await (await fetch(`${url}/metrics`)).text()) ?? [];
  return Number(count);
}

test("a reader who leaves before the answer begins leaves no stream open", async () => {
  const { ledger, app, url } = await served();
  const accepted = once(app.server, "connection") as Promise<[Socket]>;
  const reader = connect(Number(new URL(url).port), "127.0.0.1");
  const head = ledger.head.bind(ledger);
  const asked = new Promise<void>((resolve) => {
    ledger.head = async () => {
      ledger.head = head;
      const [socket] = await accepted;
      const isClosed = once(socket, "close");
      reader.destroy();
      await isClosed;
      setImmediate(resolve);
      return head();
    };
  });
  reader.write("GET /v1/events HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n");
  await asked;
  expect(await streamsOpen(url)).toBe(0);
});

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

function heapMiB(): number {
  collectGarbage();
  return process.memoryUsage().heapUsed / 2 ** 20;
}

test("a reader that stops reading costs little memory, and loses nothing", async () => {
  const folder = mkdtempSync(join(tmpdir(), "model-ledger-slow-"));
  afterwards(() => rmSync(folder, { recursive: true, force: true }));
  const store = await sqliteEventStore(join(folder, "ledger.db"), systemRuntime());
  const { url, app, train } = await served({}, store);
  const sockets: Socket[] = [];
  app.server.on("connection", (socket) => sockets.push(socket));
  await train("Digits", 0.9);
  const { port } = new URL(url);
  const reader = connect(Number(port), "127.0.0.1");
  afterwards(() => void reader.destroy());
  reader.pause();
  reader.write("GET /v1/events?from=start HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n");
  const events = 3_000;
  const kilobytes = "x".repeat(8_192);
  await train("Digits", 0.1, { labels: { kilobytes } });
  const before = heapMiB();
  for (let done = 0; done < events; done += 100) {
    await Promise.all(
      Array.from({ length: 100 }, (_, n) => train("Digits", (done + n) / 1e6, { labels: { kilobytes } })),
    );
  }
  const grown = heapMiB() - before;
  const held = Math.max(...sockets.map(({ writableLength }) => writableLength)) / 2 ** 20;
  expect(grown).toBeLessThan(12); // of 24 MiB that it has not read
  expect(held).toBeLessThan(1);
  let versions = 0;
  const parser = createParser({
    onEvent({ event, data }) {
      if (event !== "ModelTrained") return;
      versions += 1;
      expect(JSON.parse(data).data.version).toBe(versions);
    },
  });
  for await (const chunk of reader) {
    parser.feed(String(chunk).replaceAll(/(^|\r\n)[0-9a-f]+\r\n/g, "")); // the sizes of chunks
    if (versions === events + 2) break;
  }
  expect(versions).toBe(events + 2);
});

test("a thousand streams are open at once, and each hears everything", async () => {
  const { url, agent, ledger, train } = await served();
  await train("Digits", 0.1);
  const before = process.memoryUsage().rss;
  const answers: IncomingMessage[] = [];
  for (let n = 0; n < 1_000; n += 50) {
    answers.push(
      ...(await Promise.all(Array.from({ length: 50 }, () => answerOf(`${url}/v1/events?from=end`, {}, agent)))),
    );
  }
  const grown = (process.memoryUsage().rss - before) / 2 ** 20;
  const listening = answers.map(async (answer) => {
    const ids: (string | undefined)[] = [];
    const parser = createParser({ onEvent: ({ id }) => ids.push(id) });
    for await (const chunk of answer) {
      parser.feed(String(chunk));
      if (ids.length === 6) break;
    }
    return ids.join();
  });
  for (const f1 of [0.2, 0.3, 0.4]) await train("Digits", f1);
  const all = (await positionsOf(ledger, 8)).slice(2).join();
  expect(new Set(await Promise.all(listening))).toEqual(new Set([all]));
  console.info(`1,000 streams, both ends in one process: ${grown.toFixed(0)} MiB`);
  expect(grown).toBeLessThan(300);
});
