import { describe, expect, onTestFinished, test } from "vitest";
import type { Ledger, LedgerOptions } from "../../src/api/ledger.ts";
import { LocalLedger } from "../../src/api/local-ledger.ts";
import { LedgerError } from "../../src/errors.ts";
import type { RecordedEvent } from "../../src/events/events.ts";
import type { EventStore } from "../../src/store/event-store.ts";
import { memoryEventStore } from "../../src/store/memory.ts";
import { matchesPattern } from "../../src/subscriptions/event-filter.ts";
import type { Attempt, Observation } from "../../src/subscriptions/reader.ts";
import { codeOf, onEveryStore } from "../ledger/stores.ts";
import { type VirtualTime, virtualTime } from "./virtual-time.ts";

async function train(ledger: Ledger, count: number, project = "Digits"): Promise<void> {
  for (let index = 0; index < count; index++) {
    await ledger.recordTraining({ project, task: "classification", algorithm: "svm", metrics: { f1: index } });
  }
}
const TRAINED = { types: ["ModelTrained" as const] };
const versionOf = (event: RecordedEvent): number => (event.type === "ModelTrained" ? event.data.version : 0);

/** Collects versions, and says when there are so many. */
function collector(wanted: number) {
  const versions: number[] = [];
  const { promise: isFull, resolve } = Promise.withResolvers<void>();
  return {
    versions,
    isFull,
    async handle(event: RecordedEvent): Promise<void> {
      versions.push(versionOf(event));
      if (versions.length === wanted) resolve();
    },
  };
}

onEveryStore((place) => {
  async function opened(at: ReturnType<typeof place>, options?: LedgerOptions): Promise<Ledger> {
    const ledger = await at.open(options);
    onTestFinished(() => ledger.close());
    return ledger;
  }

  test("history, then live, in order; another reader of the name goes on where it stopped", async () => {
    const at = place();
    const ledger = await opened(at);
    await train(ledger, 3);
    const first = collector(4);
    const stop = new AbortController();
    const running = ledger.subscriptions.run({ name: "etl", ...TRAINED, handle: first.handle, signal: stop.signal });
    await train(ledger, 1);
    await first.isFull;
    stop.abort();
    await running;
    expect(first.versions).toEqual([1, 2, 3, 4]);
    await train(ledger, 2);
    const second = collector(2);
    const other = await opened(at);
    const again = other.subscriptions.run({ name: "etl", ...TRAINED, handle: second.handle });
    await second.isFull;
    await other.close();
    await again;
    expect(second.versions).toEqual([5, 6]);
    expect(await ledger.subscriptions.list()).toMatchObject([{ name: "etl", finished: 6, parked: 0 }]);
  });

  test("two names do not know of each other, and 'end' is where the name began", async () => {
    const ledger = await opened(place());
    await train(ledger, 2);
    const [all, later] = [collector(3), collector(1)];
    void ledger.subscriptions.run({ name: "all", ...TRAINED, handle: all.handle });
    const begun = ledger.subscriptions.run({ name: "later", from: "end", ...TRAINED, handle: later.handle });
    await expect.poll(async () => (await ledger.subscriptions.list()).map(({ name }) => name)).toContain("later");
    await train(ledger, 1);
    await Promise.all([all.isFull, later.isFull]);
    expect([all.versions, later.versions]).toEqual([[1, 2, 3], [3]]);
    await ledger.close();
    await begun;
  });

  test("what fails is tried again, and the events after it wait", async () => {
    const ledger = await opened(place());
    await train(ledger, 2);
    const seen: string[] = [];
    const { promise: done, resolve } = Promise.withResolvers<void>();
    void ledger.subscriptions.run({
      name: "flaky",
      ...TRAINED,
      backOff: { firstMs: 1, maxMs: 2 },
      async handle(event, { number }: Attempt) {
        seen.push(`${versionOf(event)}#${number}`);
        if (versionOf(event) === 1 && number < 3) throw new Error("not yet");
        if (versionOf(event) === 2) resolve();
      },
    });
    await done;
    expect(seen).toEqual(["1#1", "1#2", "1#3", "2#1"]);
  });

  test("what fails too often is parked, can be listed, tried again and dropped", async () => {
    const ledger = await opened(place());
    await train(ledger, 3);
    let isBroken = true;
    const handled: number[] = [];
    const observed: Observation["kind"][] = [];
    void ledger.subscriptions.run({
      name: "broken",
      ...TRAINED,
      maxAttempts: 2,
      backOff: { firstMs: 1, maxMs: 1 },
      leaseMs: 150,
      observe: ({ kind }) => observed.push(kind),
      async handle(event) {
        if (isBroken && versionOf(event) < 3) throw new Error(`no ${versionOf(event)}`);
        handled.push(versionOf(event));
      },
    });
    await expect.poll(() => handled, { timeout: 20_000 }).toEqual([3]);
    const parked = await ledger.subscriptions.parked("broken");
    expect(parked).toMatchObject([
      { type: "ModelTrained", revision: 0n, attempts: 2, error: "no 1" },
      { revision: 2n, attempts: 2, error: "no 2" },
    ]);
    expect(observed.filter((kind) => kind === "parked")).toHaveLength(2);
    const ids = parked.map(({ eventId }) => eventId);
    expect(await ledger.subscriptions.dropParked("broken", [ids[1] ?? ""])).toHaveLength(1);
    await ledger.subscriptions.retryParked("broken");
    await expect
      .poll(async () => (await ledger.subscriptions.parked("broken"))[0], { timeout: 20_000 })
      .toMatchObject({ attempts: 3, error: "no 1" });
    isBroken = false;
    expect(await ledger.subscriptions.retryParked("broken", [ids[0] ?? ""])).toHaveLength(1);
    await expect.poll(() => handled, { timeout: 20_000 }).toEqual([3, 1]);
    await expect.poll(async () => ledger.subscriptions.parked("broken")).toEqual([]);
  });

  test("of many ledgers that run one name, one handles at a time and none misses or repeats", async () => {
    const at = place();
    const ledgers = await Promise.all([opened(at), opened(at), opened(at)]);
    const [one] = ledgers;
    if (!one) throw new Error("no ledger");
    const all = collector(30);
    let busy = 0;
    let most = 0;
    const running = ledgers.map((ledger) =>
      ledger.subscriptions.run({
        name: "shared",
        ...TRAINED,
        leaseMs: 10_000, // longer than a busy machine stands still: a lease that is lost repeats an event
        async handle(event) {
          busy += 1;
          most = Math.max(most, busy);
          await all.handle(event);
          busy -= 1;
          if (versionOf(event) % 10 === 0) void ledger.close(); // the others take over
        },
      }),
    );
    const writer = await opened(at);
    await train(writer, 30);
    await all.isFull;
    await Promise.all(running);
    expect(all.versions).toEqual(Array.from({ length: 30 }, (_, index) => index + 1));
    expect(most).toBe(1);
  });

  test("wrong options and unknown names are refused in words", async () => {
    const ledger = await opened(place());
    const { subscriptions } = ledger;
    const handle = async (): Promise<void> => undefined;
    expect(await codeOf(subscriptions.run({ name: "a b", handle }))).toBe("INVALID_INPUT");
    expect(await codeOf(subscriptions.run({ name: "a", handle, maxAttempts: 0 }))).toBe("INVALID_INPUT");
    expect(await codeOf(subscriptions.run({ name: "a", handle, from: "nowhere" }))).toBe("INVALID_INPUT");
    expect(await codeOf(subscriptions.parked("nobody"))).toBe("SUBSCRIPTION_NOT_FOUND");
    expect(await codeOf(subscriptions.remove("nobody"))).toBe("SUBSCRIPTION_NOT_FOUND");
    expect(await subscriptions.list()).toEqual([]);
  });

  test("a removed name begins anew", async () => {
    const at = place();
    const ledger = await opened(at);
    await train(ledger, 2);
    for (const _ of [1, 2]) {
      const { versions, isFull, handle } = collector(2);
      const stop = new AbortController();
      const running = ledger.subscriptions.run({ name: "again", ...TRAINED, handle, signal: stop.signal });
      await isFull;
      expect(await codeOf(ledger.subscriptions.remove("again"))).toBe("CONFLICT");
      stop.abort();
      await running;
      expect(versions).toEqual([1, 2]);
      await ledger.subscriptions.remove("again");
    }
  });
});

describe("which events", () => {
  test("are those of the projects, types and environments that are named", async () => {
    const ledger = new LocalLedger(memoryEventStore());
    for (const project of ["Digits", "Digits v2", "Cats"]) await train(ledger, 1, project);
    await ledger.promote({ project: "Digits", from: "production", to: "staging" });
    await ledger.retireModel({ project: "Digits", model: 1, reason: "old" });
    await ledger.recordTraining({
      project: "End",
      task: "regression",
      algorithm: "svm",
      metrics: {},
      automaticDeploy: false,
    });
    const of = async (filter: object): Promise<readonly string[]> => {
      const found: string[] = [];
      const name = `n${Math.random()}`.replace(".", "-");
      const { position } = { position: (await last(ledger)).position };
      const stop = new AbortController();
      const running = ledger.subscriptions.run({
        name,
        ...filter,
        handle: async ({ type, stream }) => void found.push(`${stream.slice("modelLedger-".length)} ${type}`),
        leaseMs: 30,
        signal: stop.signal,
      });
      const isPast = async () => (await ledger.subscriptions.list()).find((one) => one.name === name)?.checkpoint;
      await expect.poll(isPast, { timeout: 20_000 }).toBe(position);
      stop.abort();
      await running;
      return found;
    };
    expect(await of({ project: "Digits*", types: ["ModelDeployed"] })).toEqual([
      "Digits ModelDeployed",
      "Digits v2 ModelDeployed",
      "Digits ModelDeployed",
    ]);
    expect(await of({ types: ["ModelDeployed"], environment: "staging" })).toEqual(["Digits ModelDeployed"]);
    expect(await of({ environment: "staging", types: ["ModelDeployed", "ModelRetired"] })).toEqual([
      "Digits ModelDeployed",
      "Digits ModelRetired",
    ]);
    expect(await of({ project: "*i*" })).toHaveLength(6);
  });

  test.for([
    ["Digits", "Digits", true],
    ["Digits", "Digits 2", false],
    ["Digits*", "Digits", true],
    ["*", "", true],
    ["*its*", "Digits 2", true],
    ["D*s", "Digits", true],
    ["D*s", "s", false],
    ["ab*ba", "aba", false],
    ["a*b*c", "a-b-c", true],
    ["a*b*c", "a-c-b", false],
    ["a**c", "ac", true],
    ["a.c", "abc", false],
    ["[a]*", "a", false],
  ] as const)("pattern %s and %s: %s", ([pattern, text, expected]) => {
    expect(matchesPattern(pattern, text)).toBe(expected);
  });
});

async function last(ledger: Ledger): Promise<RecordedEvent> {
  const stop = new AbortController();
  let found: RecordedEvent | undefined;
  for await (const event of ledger.subscribe({ signal: stop.signal })) {
    found = event;
    if (event.stream === "modelLedger-End") stop.abort();
  }
  if (!found) throw new Error("nothing there");
  return found;
}

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
