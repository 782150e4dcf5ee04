import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { promisify } from "node:util";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { v7 } from "uuid";
import { beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { LocalLedger } from "../../src/api/local-ledger.ts";
import { type Runtime, systemRuntime } from "../../src/runtime.ts";
import type { EventStore } from "../../src/store/event-store.ts";
import { appendRequest, appendStream, type Proposed } from "../../src/store/eventstoredb/append-stream.ts";
import { connect } from "../../src/store/eventstoredb/connection.ts";
import { parseConnectionString } from "../../src/store/eventstoredb/connection-string.ts";
import { eventStoreDbEventStore } from "../../src/store/eventstoredb.ts";
import { collect, event, listen, newEvents, range } from "./events.ts";
import { startRelay } from "./relay.ts";
import { freshCategory, onOwnEventStoreDb } from "./server.ts";

/** How the client ends its process, hangs and leaks, each on a real server. An unhandled rejection fails the run. */
onOwnEventStoreDb((server) => {
  let category: string;
  let store: EventStore;
  const urlOf = (port: number): string => `esdb://127.0.0.1:${port}?tls=false&defaultDeadline=60000`;

  async function open(port = server().port, runtime: Runtime = systemRuntime()): Promise<EventStore> {
    const opened = await eventStoreDbEventStore(urlOf(port), runtime, { category });
    onTestFinished(() => opened.close());
    return opened;
  }

  beforeEach(async () => {
    category = freshCategory();
    store = await open();
  });

  test("data that is no JSON is stored as it is: nothing is serialised that could throw", async () => {
    const events = ["1n", "NaN", "undefined", "{", "\u{1f989}"].map((data) => ({ ...event(), data }));
    await store.append("modelLedger-A", events, "no_stream");
    expect((await collect(store.readStream("modelLedger-A"))).map(({ data }) => data)).toEqual(
      events.map(({ data }) => data),
    );
  });

  test("a bigint in a command is INVALID_INPUT, and the ledger goes on", async () => {
    const ledger = new LocalLedger(store);
    const training = { project: "A", task: "regression", algorithm: "linear", metrics: { r2: 0.5 } };
    await expect(ledger.recordTraining({ ...training, hyperparams: { n: 1n as never } })).rejects.toMatchObject({
      code: "INVALID_INPUT",
    });
    expect(await ledger.recordTraining(training)).toMatchObject({ version: 1 });
  });

  describe("a request that the server takes for a bad one, and answers twice", () => {
    const proposed: Proposed = { ...event(), isJson: true };
    test.for([
      ["of an event without a type", "modelLedger-A", { type: "" }],
      ["of an event whose id is no UUID", "modelLedger-A", { id: "no-uuid" }],
      ["to a stream without a name", "", {}],
    ] as const)("%s, is not written; those beside it and after it are", async ([, stream, broken]) => {
      const runtime = systemRuntime();
      const connection = connect(parseConnectionString(urlOf(server().port)), "leader", runtime);
      const appends = appendStream(connection, 60_000, runtime);
      const submit = (to: string, change: Partial<Proposed> = {}) =>
        appends.submit(appendRequest(to, [{ ...proposed, id: v7(), ...change }], "no_stream"));
      const name = `${category}-${v7()}`;
      const [before, bad, after] = await Promise.all([
        submit(`${name}x`),
        submit(stream === "" ? "" : name, broken),
        submit(`${name}y`),
      ]);
      expect(["refused", "unknown"]).toContain(bad.kind);
      for (const answer of [before, after]) expect(["written", "unknown"]).toContain(answer.kind);
      for (const index of range(20)) expect((await submit(`${name}-${index}`)).kind).toBe("written");
      expect((await submit(name)).kind).toBe("written");
      appends.close();
      connection.close();
    });

    test.for([
      ["an event without a type", "modelLedger-A", { type: "" }],
      ["an event whose id is no UUID", "modelLedger-A", { id: "no-uuid" }],
      ["an event whose id is nothing but zeros", "modelLedger-A", { id: "00000000-0000-0000-0000-000000000000" }],
      ["an event of a type that is the server's own", "modelLedger-A", { type: "$metadata" }],
      ["a stream without a name", "", {}],
      ["a stream of another category", "others-A", {}],
    ] as const)("%s is not even sent: INVALID_INPUT", ([, stream, broken]) =>
      expect(store.append(stream, [{ ...event(), ...broken }], "no_stream")).rejects.toMatchObject({
        code: "INVALID_INPUT",
      }),
    );
  });

  test("one store's end and failures do not touch the appends of another", async () => {
    const relay = await startRelay(server().port);
    const [failing, leaving] = [await open(relay.port), await open()];
    const appends = (of: EventStore, name: string) =>
      range(100).map((index) => of.append(`modelLedger-${name}${index}`, newEvents(2), "no_stream"));
    const ours = appends(store, "a");
    const theirs = [...appends(failing, "b"), ...appends(leaving, "c")];
    relay.cut();
    await leaving.close();
    relay.cut();
    await expect(store.append("modelLedger-a0", [event()], 7n)).rejects.toMatchObject({ code: "CONFLICT" });
    for (const { revision } of await Promise.all([...ours, ...theirs])) expect(revision).toBe(1n);
    expect(await collect(store.readAll())).toHaveLength(600);
  });

  test("readers that throw leave no call open: after 360 of them all works, and close() returns", async () => {
    await store.append("modelLedger-A", newEvents(200), "no_stream");
    const fail = async (events: AsyncIterable<unknown>): Promise<void> => {
      for await (const _ of events) throw new Error("the reader's own");
    };
    const held = await listen(store, { after: "start" }); // or the connection would be let go with its last subscription
    await held.take(1);
    for (const _ of range(120)) {
      await expect(fail(store.readStream("modelLedger-A"))).rejects.toThrow("own");
      await expect(fail(store.readAll({ pageSize: 5 }))).rejects.toThrow("own");
      await expect(fail(await store.subscribe({ after: "start" }))).rejects.toThrow("own");
    }
    const other = await open();
    expect((await other.append("modelLedger-A", [event()], 199n)).revision).toBe(200n);
    expect(await collect(store.readStream("modelLedger-A"))).toHaveLength(201);
    const start = performance.now();
    await Promise.all([store.close(), other.close()]);
    expect(performance.now() - start).toBeLessThan(10_000);
  });

  test("250 subscriptions are open at once, more than a connection carries, and nothing waits for them", async () => {
    const following = await Promise.all(range(250).map(() => listen(store, { after: "end" })));
    const taking = following.map((live) => live.take(1));
    const { position } = await store.append("modelLedger-A", [event()], "no_stream");
    for (const [seen] of await Promise.all(taking)) expect(seen?.position).toBe(position);
    const waiting = following.map((live) => live.iterator.next());
    expect(await collect(store.readStream("modelLedger-A"))).toHaveLength(1);
    await store.close();
    for (const { done } of await Promise.all(waiting)) expect(done).toBe(true);
  });

  test("300 reads at once are more than a connection carries, and all are answered", async () => {
    await store.append("modelLedger-A", newEvents(50), "no_stream");
    const reads = await Promise.all(range(300).map(() => collect(store.readStream("modelLedger-A"))));
    for (const events of reads) expect(events).toHaveLength(50);
  });

  test("64 appends of almost a mebibyte at once are all written", async () => {
    const large = () => [{ ...event(), data: JSON.stringify("x".repeat(1_000_000)) }];
    const appended = await Promise.all(
      range(64).map((index) => store.append(`modelLedger-${index}`, large(), "no_stream")),
    );
    for (const { revision } of appended) expect(revision).toBe(0n);
  });

  test.for(["closes its store", "forgets to close its store"])(
    "a process that %s ends by itself, and with everything written",
    async (task) => {
      const script = join(import.meta.dirname, "eventstoredb-child.ts");
      const args = [script, task, urlOf(server().port), `modelLedger-${v7()}`];
      const { stdout, stderr } = await promisify(execFile)(process.execPath, args, { timeout: 60_000 });
      expect(stderr).toBe("");
      expect(stdout).toBe("100 written, 100 seen\n");
    },
  );

  test("a value of 20 MB is kept byte for byte, also one that does not compress", async () => {
    const dull = JSON.stringify("model ".repeat(3_500_000));
    const noise = JSON.stringify(randomBytes(15_000_000).toString("base64"));
    for (const value of [dull, noise]) {
      await store.keep("large", value);
      expect((await (await open()).kept("large"))?.value === value).toBe(true);
    }
  });

  test("a value of 20 MB whose writing breaks off in the middle: the one before stays, whole", async () => {
    const relay = await startRelay(server().port);
    const writer = await eventStoreDbEventStore(
      `esdb://127.0.0.1:${relay.port}?tls=false&defaultDeadline=500`,
      systemRuntime(),
      { category },
    );
    onTestFinished(() => writer.close());
    await store.keep("large", '"before"');
    relay.delay(50);
    const keeping = writer
      .keep("large", JSON.stringify(randomBytes(15_000_000).toString("base64")))
      .catch((error: unknown) => error);
    await relay.passed(4_000_000);
    relay.hold("requests");
    relay.cut();
    expect(await keeping).toMatchObject({ code: "STORE_UNAVAILABLE" });
    expect((await store.kept("large"))?.value).toBe('"before"');
    await store.keep("large", '"after"');
    expect((await store.kept("large"))?.value).toBe('"after"');
  });

  test("a thousand reconnects leave the heap, the timers, the sockets and the listeners as they were", async () => {
    const warnings: unknown[] = [];
    const onWarning = (warning: unknown): void => {
      warnings.push(warning);
    };
    process.on("warning", onWarning);
    onTestFinished(() => {
      process.off("warning", onWarning);
    });
    const runtime = countingRuntime();
    const idle = openHandles();
    const lives = await Promise.all(
      range(8).map(async (index) => {
        const relay = await startRelay(server().port);
        const opened = await open(relay.port, runtime);
        const live = await listen(opened, { after: "end", stream: `modelLedger-${index}` });
        return { relay, opened, live, stream: `modelLedger-${index}`, appended: 0 };
      }),
    );
    /** Each breaks an append's connection and a subscription's. */
    const cutEach = (times: number) =>
      Promise.all(
        lives.map(async (life) => {
          for (const _ of range(times)) {
            const expected = life.appended === 0 ? "no_stream" : BigInt(life.appended - 1);
            await life.opened.append(life.stream, [event()], expected);
            life.appended += 1;
            await life.live.take(1);
            life.relay.cut();
          }
        }),
      );
    const reconnects = () => lives.reduce((sum, { relay }) => sum + relay.accepted(), 0);

    await cutEach(15);
    const before = { heap: heapAfterCollection(), timers: runtime.timers(), handles: openHandles() };
    const reconnectsBefore = reconnects();
    await cutEach(65);
    expect(reconnects() - reconnectsBefore).toBeGreaterThan(1_000);
    expect(heapAfterCollection() - before.heap).toBeLessThan(3_000_000);
    expect(runtime.timers()).toBeLessThanOrEqual(before.timers + 8);
    expect(openHandles()).toBeLessThanOrEqual(before.handles + 8);

    await Promise.all(lives.map(({ opened }) => opened.close()));
    await Promise.all(lives.map(({ relay }) => relay.close()));
    expect(runtime.timers()).toBe(0);
    await expect.poll(openHandles, { timeout: 10_000 }).toBeLessThanOrEqual(idle);
    expect(warnings).toEqual([]);
  }, 300_000);
});

/** Counts the timers that are set and have neither fired nor been cancelled. */
function countingRuntime(): Runtime & { readonly timers: () => number } {
  const system = systemRuntime();
  const set = new Set<object>();
  return {
    ...system,
    timers: () => set.size,
    after(delayMs, callback) {
      const timer = {};
      set.add(timer);
      const cancel = system.after(delayMs, () => {
        set.delete(timer);
        callback();
      });
      return () => {
        set.delete(timer);
        cancel();
      };
    },
  };
}

const openHandles = (): number =>
  process.getActiveResourcesInfo().filter((name) => name.startsWith("TCP") || name === "Timeout").length;

function heapAfterCollection(): number {
  setFlagsFromString("--expose-gc");
  const collectGarbage = runInNewContext("gc") as () => void;
  for (const _ of range(3)) collectGarbage();
  return process.memoryUsage().heapUsed;
}
