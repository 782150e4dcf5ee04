import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { get, type IncomingMessage, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { createParser } from "eventsource-parser";
import type { FastifyInstance } from "fastify";
import { afterAll, expect, onTestFinished, test } from "vitest";
import { tokenAccess } from "../../src/access/access.ts";
import { Tokens } from "../../src/access/tokens.ts";
import { LocalLedger } from "../../src/api/local-ledger.ts";
import type { RecordedEvent } from "../../src/events/events.ts";
import { streamOf } from "../../src/events/names.ts";
import { httpApp } from "../../src/http/app.ts";
import { systemRuntime } from "../../src/runtime.ts";
import type { EventStore } from "../../src/store/event-store.ts";
import { memoryEventStore } from "../../src/store/memory.ts";
import { sqliteEventStore } from "../../src/store/sqlite.ts";
import { Random } from "../simulation/random.ts";

async function served(store: EventStore) {
  const ledger = new LocalLedger(store);
  const tokens = new Tokens(store, systemRuntime());
  const access = tokenAccess({ tokens: () => tokens, isOpenUntilTokens: true });
  const app = await httpApp(ledger, { rate: false, access });
  const url = await app.listen({ port: 0, host: "127.0.0.1" });
  onTestFinished(async () => {
    app.server.closeAllConnections();
    await app.close();
    await ledger.close();
  });
  let trained = 0;
  /** Each is better than those before, and is deployed: two events. */
  const train = (project: string, algorithm = "svm") => {
    const f1 = ++trained / 10_000;
    return ledger.recordTraining({ project, task: "classification", algorithm, metrics: { f1 } });
  };
  const tokenFor = async (project: string) =>
    (await tokens.create({ name: `of ${project}`, scopes: ["read"], project })).secret;
  return { ledger, app, url: `${url}/v1/events`, train, tokenFor };
}

function listening(url: string, headers: Readonly<Record<string, string>> = {}): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    get(url, { headers }, resolve).on("error", reject);
  });
}

/** The positions of events that a stream gives, until there are `count`, or its end. */
async function heard(answer: IncomingMessage, count: number): Promise<readonly string[]> {
  const positions: string[] = [];
  const parser = createParser({ onEvent: ({ id }) => id !== undefined && positions.push(id) });
  for await (const chunk of answer) {
    parser.feed(String(chunk));
    if (positions.length >= count) break;
  }
  return positions;
}

async function logOf(ledger: LocalLedger): Promise<readonly RecordedEvent[]> {
  const head = await ledger.head();
  const events: RecordedEvent[] = [];
  for await (const event of ledger.subscribe({ from: "start" })) {
    events.push(event);
    if (event.position === head) break;
  }
  return events;
}

/** Counts the times that somebody begins to follow the store's log. */
function counting(store: EventStore): EventStore & { readonly followed: () => number } {
  let count = 0;
  const subscribe: EventStore["subscribe"] = (options) => {
    count += 1;
    return store.subscribe(options);
  };
  return { ...store, subscribe, followed: () => count };
}

/** At random, a connection has no room for more after a write, until a moment later. */
function withFullSockets(app: FastifyInstance, random: Random): void {
  const full = new WeakSet<Socket>();
  app.server.on("connection", (socket: Socket) => {
    const write = socket.write.bind(socket) as (...parts: unknown[]) => boolean;
    socket.write = (...parts: unknown[]) => {
      write(...parts);
      if (!random.chance(0.15)) return true;
      full.add(socket);
      setTimeout(() => full.delete(socket) && socket.emit("drain"), random.between(0, 5));
      return false;
    };
  });
  app.server.on("request", ({ socket }: IncomingMessage, response: ServerResponse) => {
    Object.defineProperty(response, "writableLength", { get: () => (full.has(socket) ? 2 ** 20 : 0) });
  });
}

const turns = async (count: number): Promise<void> => {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
};

const PROJECTS = ["Digits", "Digits 2", "Prices"];

/** What one reader asks for and may see. */
interface Wish {
  readonly from: "start" | "end";
  readonly project?: string;
  readonly type?: string;
  /** Of a token for all projects, or for those called Digits something. */
  readonly isOfDigits: boolean;
}

const isOf = ({ project, type, isOfDigits }: Wish, event: RecordedEvent): boolean =>
  (project === undefined || event.data.project === project) &&
  (type === undefined || event.type === type) &&
  (!isOfDigits || event.data.project.startsWith("Digits"));

/** Reads until the last event it is to see, cut off again and again; gives where it began and what it saw. */
async function seen(url: string, bearer: string, wish: Wish, random: Random) {
  const { from, project, type, isOfDigits } = wish;
  const query = new URLSearchParams({ from, ...(project && { project }), ...(type && { type }) });
  const endsIn = project ?? (isOfDigits ? "Digits 2" : "Prices");
  const positions: string[] = [];
  let [began, lastId, isDone] = [undefined as string | undefined, "", false];
  while (!isDone) {
    const resume = lastId === "" ? {} : { "last-event-id": lastId };
    const answer = await listening(`${url}?${query}`, { authorization: `Bearer ${bearer}`, ...resume });
    began ??= String(answer.headers["last-event-id"] ?? "");
    if (lastId === "") lastId = began;
    const parser = createParser({
      onEvent({ id = "", event, data }) {
        positions.push(id);
        lastId = id;
        const about = JSON.parse(data).data;
        isDone = event === "ModelDeployed" && about.algorithm === "last" && about.project === endsIn;
      },
    });
    let left = random.between(1, 40_000); // bytes until the line is cut, in the middle of whatever comes
    for await (const chunk of answer) {
      const bytes = (chunk as Buffer).subarray(0, left);
      parser.feed(bytes.toString());
      left -= bytes.length;
      if (left === 0 || isDone) break;
      if (random.chance(0.1)) await turns(random.between(1, 40));
    }
    answer.destroy();
  }
  return { began: began ?? "", positions };
}

const folder = mkdtempSync(join(tmpdir(), "model-ledger-live-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test.for([
  { on: "memory", open: async () => memoryEventStore() },
  { on: "sqlite", open: () => sqliteEventStore(join(folder, "ledger.db"), systemRuntime()) },
])("cut off, slow, full or choosy, all see what is theirs once and in order ($on)", async ({ open }) => {
  const seed = Math.floor(Math.random() * 2 ** 32);
  const random = new Random(seed, "live events");
  const { ledger, app, url, train, tokenFor } = await served(await open());
  withFullSockets(app, random);
  const [everything, digits] = [await tokenFor("*"), await tokenFor("Digits*")];
  for (let n = 0; n < 30; n++) await train(random.pick(PROJECTS));

  const reading = Array.from({ length: 24 }, async (_, index) => {
    const wish: Wish = {
      from: random.pick(["start", "end"]),
      ...(random.chance(0.4) && { project: random.pick(["Digits", "Digits 2"]) }),
      ...(random.chance(0.3) && { type: "ModelDeployed" }),
      isOfDigits: random.chance(0.4),
    };
    await new Promise((resolve) => setTimeout(resolve, index * 10));
    const { began, positions } = await seen(url, wish.isOfDigits ? digits : everything, wish, random);
    return { wish, began, positions };
  });
  for (let n = 0; n < 120; n++) {
    await Promise.all(Array.from({ length: random.between(1, 3) }, () => train(random.pick(PROJECTS))));
    if (random.chance(0.7)) await new Promise((resolve) => setTimeout(resolve, random.between(0, 8)));
  }
  for (const project of PROJECTS) await train(project, "last");

  const log = await logOf(ledger);
  for (const { wish, began, positions } of await Promise.all(reading)) {
    const expected = log.filter((event) => event.position > began && isOf(wish, event));
    expect({ seed, wish, positions }).toEqual({ seed, wish, positions: expected.map(({ position }) => position) });
  }
});

test("the log is followed once, however many listen to what comes", async () => {
  const store = counting(memoryEventStore());
  const { url, train } = await served(store);
  await train("Digits");
  const answers = await Promise.all(Array.from({ length: 20 }, () => listening(url)));
  const hearing = answers.map((answer) => heard(answer, 4));
  await train("Digits");
  await train("Prices");
  expect(new Set((await Promise.all(hearing)).map(String)).size).toBe(1);
  expect(store.followed()).toBe(1);
});

test("a burst finds nobody full who reads", async () => {
  const store = counting(memoryEventStore());
  const { url, train } = await served(store);
  await train("Digits");
  const answers = await Promise.all(Array.from({ length: 20 }, () => listening(url)));
  const hearing = answers.map((answer) => heard(answer, 400));
  await Promise.all(Array.from({ length: 200 }, (_, n) => train(`P${n}`)));
  expect((await Promise.all(hearing)).map(({ length }) => length)).toEqual(answers.map(() => 400));
  expect(store.followed()).toBe(1);
});

test("who comes with a Last-Event-ID reads the log up to its end, and then with the others", async () => {
  const store = counting(memoryEventStore());
  const { url, train } = await served(store);
  for (let n = 0; n < 3; n++) await train("Digits");
  const first = await listening(`${url}?from=start`);
  const early = await heard(first, 2);
  const [late, others] = await Promise.all([listening(url, { "last-event-id": early[1] ?? "" }), listening(url)]);
  const [lateHears, othersHear] = [heard(late, 8), heard(others, 4)];
  await turns(20);
  const before = store.followed();
  for (let n = 0; n < 2; n++) await train("Digits");
  expect((await lateHears).slice(-4)).toEqual(await othersHear);
  expect(store.followed()).toBe(before);
});

test("an event that cannot be read ends the streams it is for, and no others", async () => {
  const store = memoryEventStore();
  const { url, train } = await served(store);
  await train("Digits");
  await train("Prices");
  const [all, prices] = await Promise.all([listening(url), listening(`${url}?project=Prices`)]);
  const [ofAll, ofPrices] = [text(all), heard(prices, 2)];
  const damaged = { id: randomUUID(), type: "PolicySet", data: "no JSON", metadata: "{}" };
  await store.append(streamOf("Digits"), [damaged], 1n);
  await train("Prices");
  expect(await ofAll).toMatch(/event: end\ndata: {"reason":"failed"}\n\n$/);
  expect(await ofPrices).toHaveLength(2);
  const after = await listening(url);
  const afterwards = heard(after, 2);
  await train("Prices");
  expect(await afterwards).toHaveLength(2);
});

test("one that cannot be read after as many as are told at once ends those streams, and not the service", async () => {
  const unhandled: unknown[] = [];
  const note = (reason: unknown) => void unhandled.push(reason);
  process.on("unhandledRejection", note);
  onTestFinished(() => void process.off("unhandledRejection", note));
  const store = memoryEventStore();
  const { url, train } = await served(store);
  await train("Digits");
  await train("Prices");
  const [all, prices] = await Promise.all([listening(url), listening(`${url}?project=Prices`)]);
  const [ofAll, ofPrices] = [text(all), heard(prices, 2)];
  const [trained] = await Array.fromAsync(store.readStream(streamOf("Digits")));
  if (!trained) throw new Error("nothing was recorded");
  const { type, data, metadata } = trained;
  const readable = Array.from({ length: 64 }, () => ({ id: randomUUID(), type, data, metadata }));
  await store.append(streamOf("Digits"), [...readable, { id: randomUUID(), type, data: "no JSON", metadata }], 1n);
  await train("Prices");
  expect((await ofAll).match(/^event: .*/gm)).toEqual([...readable.map(() => `event: ${type}`), "event: end"]);
  expect(await ofPrices).toHaveLength(2);
  expect(unhandled).toEqual([]);
});

test("a ledger that is closed says so to all who listen", async () => {
  const { ledger, url, train } = await served(memoryEventStore());
  await train("Digits");
  const answers = await Promise.all([listening(url), listening(`${url}?from=start`), listening(`${url}?project=P`)]);
  const told = answers.map(text);
  await turns(20);
  await ledger.close();
  for (const said of await Promise.all(told)) expect(said).toMatch(/event: end\ndata: {"reason":"closed"}\n\n$/);
});
