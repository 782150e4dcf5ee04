import { describe, expect, onTestFinished, test } from "vitest";
import { LocalLedger } from "../../src/api/local-ledger.ts";
import { LedgerError } from "../../src/errors.ts";
import type { EventStore } from "../../src/store/event-store.ts";
import { memoryEventStore } from "../../src/store/memory.ts";
import { TRAINED, train, versionOf } from "./trainings.ts";
import { type VirtualTime, virtualTime } from "./virtual-time.ts";

describe("under a clock of its own", () => {
  async function world(trainings: number) {
    const time = virtualTime();
    const store = memoryEventStore();
    const shared: EventStore = { ...store, close: async () => undefined };
    const writer = new LocalLedger(shared);
    await train(writer, trainings);
    return { time, store: shared };
  }
  function reader(time: VirtualTime, store: EventStore, name: string) {
    const runtime = time.process(name);
    const ledger = new LocalLedger(store, { runtime, actor: name });
    onTestFinished(() => {
      runtime.resume();
    });
    return { runtime, ledger };
  }

  test("a killed reader's name is taken over when its lease is over, not before", async () => {
    const { time, store } = await world(3);
    const [a, b] = [reader(time, store, "a"), reader(time, store, "b")];
    const handled: string[] = [];
    const begin = (who: typeof a, name: string, isStuck: boolean) =>
      who.ledger.subscriptions.run({
        name: "n",
        ...TRAINED,
        leaseMs: 10_000,
        handle: (event) => {
          handled.push(`${name}${versionOf(event)}`);
          return isStuck && versionOf(event) === 2 ? new Promise<void>(() => undefined) : Promise.resolve();
        },
      });
    void begin(a, "a", true);
    await time.settle();
    void begin(b, "b", false);
    await time.advance(60_000);
    expect(handled).toEqual(["a1", "a2"]); // alive, if slow: it renews
    a.runtime.stop();
    await time.advance(9_000);
    expect(handled).toEqual(["a1", "a2"]);
    await time.advance(6_000);
    expect(handled).toEqual(["a1", "a2", "b2", "b3"]);
  });

  test("whoever waits for a name that is removed ends and handles nothing; the next one begins anew", async () => {
    const { time, store } = await world(3);
    const [a, b] = [reader(time, store, "a"), reader(time, store, "b")];
    const handled: string[] = [];
    const stop = new AbortController();
    const begin = (who: typeof a, name: string, from: string) =>
      who.ledger.subscriptions.run({
        name: "n",
        ...TRAINED,
        from,
        signal: stop.signal,
        handle: async (event) => void handled.push(`${name}${versionOf(event)}`),
      });
    const reading = new AbortController();
    const first = a.ledger.subscriptions.run({
      name: "n",
      from: "end",
      signal: reading.signal,
      handle: async () => {},
    });
    await time.settle();
    const waiting = begin(b, "b", "end").catch((error: unknown) => error);
    await time.settle();
    reading.abort();
    await first;
    await a.ledger.subscriptions.remove("n");
    await time.advance(30_000);
    expect(handled).toEqual([]);
    expect(await waiting).toMatchObject({ code: "SUBSCRIPTION_NOT_FOUND" });
    expect(await a.ledger.subscriptions.list()).toEqual([]);
    const next = begin(b, "b", "start");
    await time.settle();
    expect(handled).toEqual(["b1", "b2", "b3"]);
    expect(await a.ledger.subscriptions.list()).toMatchObject([{ name: "n", reader: "b" }]);
    stop.abort();
    await next;
  });

  test("a reader that was paused beyond its lease cannot move the checkpoint, and stops", async () => {
    const { time, store } = await world(2);
    const [a, b] = [reader(time, store, "a"), reader(time, store, "b")];
    const { promise: wake, resolve } = Promise.withResolvers<void>();
    const handled: string[] = [];
    const observed: string[] = [];
    let isAborted: boolean | undefined;
    void a.ledger.subscriptions.run({
      name: "n",
      ...TRAINED,
      observe: ({ kind }) => observed.push(kind),
      async handle(event, { signal }) {
        handled.push(`a${versionOf(event)}`);
        await wake;
        isAborted = signal.aborted;
      },
    });
    await time.settle();
    a.runtime.stop();
    void b.ledger.subscriptions.run({
      name: "n",
      ...TRAINED,
      async handle(event) {
        handled.push(`b${versionOf(event)}`);
        if (versionOf(event) === 2) throw new Error("not now");
      },
    });
    await time.advance(20_000);
    const [before] = await b.ledger.subscriptions.list();
    resolve();
    await time.settle();
    const [after] = await b.ledger.subscriptions.list();
    expect(after?.checkpoint).toBe(before?.checkpoint);
    expect(after?.finished).toBe(1);
    expect(after?.reader).toBe("b");
    a.runtime.resume();
    await time.advance(1_000);
    expect(observed).toEqual(["reading", "lost"]);
    expect(isAborted).toBe(false); // it could not know; the write told it
    expect(handled.filter((one) => one.startsWith("a"))).toEqual(["a1"]);
  });

  test("the wait doubles from the first to the longest, and a success begins anew", async () => {
    const { time, store } = await world(2);
    const { runtime, ledger } = reader(time, store, "a");
    const times: number[] = [];
    const start = runtime.now();
    void ledger.subscriptions.run({
      name: "n",
      ...TRAINED,
      backOff: { firstMs: 1_000, maxMs: 5_000 },
      async handle(event, { number }) {
        times.push(runtime.now() - start);
        if (versionOf(event) === 1 && number < 6) throw new Error("no");
      },
    });
    await time.advance(60_000);
    const waits = times.map((at, index) => at - (times[index - 1] ?? 0));
    expect(waits).toEqual([0, 750, 1_500, 3_000, 3_750, 3_750, 0]); // jitter: ¾ where chance is ½
  });

  test("the attempts survive the reader: they are not begun anew by a restart", async () => {
    const { time, store } = await world(1);
    const numbers: number[] = [];
    for (const name of ["a", "b", "c"]) {
      const stop = new AbortController();
      const running = reader(time, store, name).ledger.subscriptions.run({
        name: "n",
        ...TRAINED,
        maxAttempts: 3,
        backOff: { firstMs: 100_000, maxMs: 100_000 },
        signal: stop.signal,
        async handle(_, { number }) {
          numbers.push(number);
          throw new Error("no");
        },
      });
      await time.settle();
      stop.abort();
      await running;
    }
    expect(numbers).toEqual([1, 2, 3]);
    expect(await new LocalLedger(store).subscriptions.parked("n")).toMatchObject([{ attempts: 3 }]);
  });

  test("a parked event is tried again within seconds, one at a time, while the next one waits for an hour", async () => {
    const { time, store } = await world(2);
    const { ledger } = reader(time, store, "a");
    const tried: string[] = [];
    let isBusy = false;
    const stop = new AbortController();
    const running = ledger.subscriptions.run({
      name: "n",
      ...TRAINED,
      maxAttempts: 2,
      backOff: { firstMs: 3_600_000, maxMs: 3_600_000 },
      signal: stop.signal,
      async handle(event, { number }) {
        expect(isBusy).toBe(false);
        isBusy = true;
        tried.push(`${versionOf(event)}#${number}`);
        await Promise.resolve();
        isBusy = false;
        if (number < 3) throw new Error("not yet");
      },
    });
    await time.advance(3_600_000); // the first is parked, and the second fails and waits
    expect(tried).toEqual(["1#1", "1#2", "2#1"]);
    await ledger.subscriptions.retryParked("n");
    await time.advance(5_000);
    expect(tried).toEqual(["1#1", "1#2", "2#1", "1#3"]);
    expect(await ledger.subscriptions.parked("n")).toEqual([]);
    expect(await ledger.subscriptions.list()).toMatchObject([{ trying: { attempts: 1 } }]);
    await time.advance(3_600_000);
    expect(tried).toEqual(["1#1", "1#2", "2#1", "1#3", "2#2"]);
    stop.abort();
    await running;
  });

  test("an event that kills every reader is parked at last, and those after it are handled", async () => {
    const { time, store } = await world(2);
    const seen: string[] = [];
    for (let life = 0; life < 5; life++) {
      const { runtime, ledger } = reader(time, store, `life ${life}`);
      void ledger.subscriptions.run({
        name: "n",
        ...TRAINED,
        maxDeaths: 3,
        handle(event) {
          seen.push(`${life}:${versionOf(event)}`);
          if (versionOf(event) === 2) return Promise.resolve();
          runtime.stop(); // killed: nothing of it runs any more
          return new Promise<void>(() => undefined);
        },
      });
      await time.advance(30_000);
    }
    expect(seen).toEqual(["0:1", "1:1", "2:1", "3:2"]);
    expect(await new LocalLedger(store).subscriptions.parked("n")).toMatchObject([
      { error: "its reader ended before it was done" },
    ]);
  });

  test("while the store is away nothing is lost, and it goes on when it is back", async () => {
    const { time, store } = await world(3);
    let isAway = false;
    const faulty: EventStore = {
      ...store,
      async keep(...call) {
        if (isAway) throw new LedgerError("STORE_UNAVAILABLE", "away");
        return store.keep(...call);
      },
      async kept(name) {
        if (isAway) throw new LedgerError("STORE_UNAVAILABLE", "away");
        return store.kept(name);
      },
    };
    const handled: number[] = [];
    void reader(time, faulty, "a").ledger.subscriptions.run({
      name: "n",
      ...TRAINED,
      async handle(event) {
        handled.push(versionOf(event));
        isAway ||= handled.length === 2;
      },
    });
    await time.advance(60_000);
    expect(handled).toEqual([1, 2]);
    isAway = false;
    await time.advance(30_000);
    expect(handled).toEqual([1, 2, 2, 3]); // at least once: the checkpoint behind 2 was not kept
  });

  test("a write that was kept but not answered is not mistaken for another's", async () => {
    const { time, store } = await world(5);
    let calls = 0;
    const faulty: EventStore = {
      ...store,
      async keep(...call) {
        const revision = await store.keep(...call);
        calls += 1;
        if (calls > 3 && calls % 3 === 0) throw new LedgerError("STORE_UNAVAILABLE", "the answer is lost");
        return revision;
      },
    };
    const handled: number[] = [];
    const observed: string[] = [];
    void reader(time, faulty, "a").ledger.subscriptions.run({
      name: "n",
      ...TRAINED,
      observe: ({ kind }) => observed.push(kind),
      handle: async (event) => void handled.push(versionOf(event)),
    });
    await time.advance(60_000);
    expect(handled).toEqual([1, 2, 3, 4, 5]);
    expect(observed).not.toContain("lost");
  });
});
