import { describe, expect, onTestFinished, test } from "vitest";
import type { Ledger, LedgerOptions } from "../../src/api/ledger.ts";
import { LocalLedger } from "../../src/api/local-ledger.ts";
import type { RecordedEvent } from "../../src/events/events.ts";
import { memoryEventStore } from "../../src/store/memory.ts";
import { matchesPattern } from "../../src/subscriptions/event-filter.ts";
import type { Attempt, Observation } from "../../src/subscriptions/reader.ts";
import { codeOf, onEveryStore } from "../ledger/stores.ts";
import { collector, TRAINED, train, versionOf } from "./trainings.ts";

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

  test("one of a single project passes over the others' events, and goes on behind them for whatever project", async () => {
    const ledger = await opened(place());
    const trainOnce = async (project: string) => {
      const input = { project, task: "classification", algorithm: "svm", metrics: {} } as const;
      return (await ledger.recordTraining({ ...input, automaticDeploy: false })).position;
    };
    const checkpoint = async () => (await ledger.subscriptions.list())[0]?.checkpoint;
    async function reading(project: string, wanted: number, meanwhile: () => Promise<string | undefined>) {
      const { versions, isFull, handle } = collector(wanted);
      const stop = new AbortController();
      const running = ledger.subscriptions.run({
        ...TRAINED,
        ...{ name: "one", project, leaseMs: 300, handle, signal: stop.signal },
      });
      const end = await meanwhile();
      if (wanted > 0) await isFull;
      await expect.poll(checkpoint, { timeout: 20_000 }).toBe(end);
      stop.abort();
      await running;
      return versions;
    }
    const cats = await trainOnce("Cats");
    expect(await reading("Dogs", 0, async () => cats)).toEqual([]); // there is no such project yet
    await trainOnce("Dogs");
    expect(
      await reading("Dogs", 2, async () => {
        await trainOnce("Dogs");
        return trainOnce("Cats");
      }),
    ).toEqual([1, 2]);
    expect(await reading("*", 1, () => trainOnce("Birds"))).toEqual([1]);
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

test("on a ledger that is closed nothing runs: CLOSED", async () => {
  const ledger = new LocalLedger(memoryEventStore());
  await ledger.close();
  await expect(ledger.subscriptions.run({ name: "late", handle: async () => undefined })).rejects.toMatchObject({
    code: "CLOSED",
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
