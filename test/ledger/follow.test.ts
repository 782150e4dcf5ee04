import { once } from "node:events";
import { describe, expect, test } from "vitest";
import type { Ledger, LedgerOptions } from "../../src/api/ledger.ts";
import { LocalLedger } from "../../src/api/local-ledger.ts";
import type { EventStore } from "../../src/store/event-store.ts";
import { memoryEventStore } from "../../src/store/memory.ts";
import { servedLedger } from "../remote/served.ts";
import { codeOf } from "./stores.ts";

const project = "Digits";
const train = (ledger: Ledger, f1: number, more: object = {}) =>
  ledger.recordTraining({ project, task: "classification", algorithm: "svm", metrics: { f1, loss: 1 - f1 }, ...more });

describe.each([
  ["memory:", async (store: EventStore, options?: LedgerOptions): Promise<Ledger> => new LocalLedger(store, options)],
  ["http:", servedLedger],
])("on %s", (_scheme, open) => {
  test("a follower may come before the project, and sees only its environment", async () => {
    await using ledger = await open(memoryEventStore());
    const production = await ledger.follow(project);
    const staging = await ledger.follow(project, { environment: "staging" });
    expect(production.current).toBeUndefined();
    const changed = once(production, "change");
    await train(ledger, 0.5);
    expect(await changed).toEqual([await ledger.activeModel(project), undefined]);
    expect(staging.current).toBeUndefined();
    const promoted = once(staging, "change");
    await ledger.promote({ project, from: "production", to: "staging" });
    await promoted;
    expect(staging.current).toEqual(await ledger.activeModel(project, { environment: "staging" }));
    expect(production.current?.number).toBe(1);
  });

  test("a subscription may come before the project", async () => {
    await using ledger = await open(memoryEventStore());
    const events = ledger.subscribe({ project })[Symbol.asyncIterator]();
    const first = events.next();
    await train(ledger, 0.5);
    expect(await first).toMatchObject({ value: { type: "ModelTrained", revision: 0n } });
    await events.return?.();
  });

  test.for(["start", "end"])("who leaves a subscription from the %s need not wait for its next event", async (from) => {
    await using ledger = await open(memoryEventStore());
    await train(ledger, 0.5);
    const events = ledger.subscribe({ from })[Symbol.asyncIterator]();
    for (let index = 0; from === "start" && index < 2; index++) await events.next();
    const next = events.next();
    expect(await events.return?.()).toEqual({ done: true, value: undefined });
    expect(await next).toEqual({ done: true, value: undefined });
  });

  test("every change is told once, in order, with what it replaced", async () => {
    const store = memoryEventStore();
    const [one, two] = [await open(store), await open(store)];
    await train(one, 0.01);
    await using follower = await two.follow(project);
    const changes: [number, number | undefined][] = [];
    const last = new Promise<void>((resolve) => {
      follower.on("change", (current, previous) => {
        changes.push([current.number, previous?.number]);
        if (current.number === 40) resolve();
      });
    });
    for (let number = 2; number <= 40; number++) await train(number % 2 ? one : two, number / 100);
    await last;
    expect(changes).toEqual(Array.from({ length: 39 }, (_, index) => [index + 2, index + 1]));
  });

  test("a listener that throws keeps nobody from what comes after", async () => {
    await using ledger = await open(memoryEventStore());
    await train(ledger, 0.1);
    await using follower = await ledger.follow(project);
    const errors: unknown[] = [];
    follower.on("error", (error) => errors.push(error));
    const third = new Promise<void>((resolve) => {
      follower.on("change", ({ version }) => {
        if (version === 2) throw new Error("cannot load the model");
        resolve();
      });
    });
    await train(ledger, 0.2);
    await train(ledger, 0.3);
    await third;
    expect(follower.current?.version).toBe(3);
    expect(errors).toEqual([new Error("cannot load the model")]);
  });

  test("closed, it tells no more", async () => {
    await using ledger = await open(memoryEventStore());
    await train(ledger, 0.1);
    const follower = await ledger.follow(project);
    await follower.close();
    await follower.close();
    await train(ledger, 0.2);
    expect(follower.current?.version).toBe(1);
  });

  test.for(["follower", "ledger"])("once the %s is closed it grows old", async (what) => {
    await using ledger = await open(memoryEventStore());
    const follower = await ledger.follow(project);
    await (what === "follower" ? follower : ledger).close();
    await expect.poll(() => follower.staleMs).toBeGreaterThan(20);
  });

  test("the active model's score is of the metric that decides, also when only the ledger's default names it", async () => {
    await using ledger = await open(memoryEventStore(), { defaultPolicy: { metric: "loss", goal: "minimize" } });
    await using follower = await ledger.follow(project);
    const changed = once(follower, "change");
    await train(ledger, 0.75);
    await changed;
    const asked = [
      await ledger.activeModel(project),
      await ledger.activeModel(project, { environment: "production" }),
      await ledger.activeModel(project, { at: { revision: 1 } }),
      (await ledger.project(project)).active[0],
      follower.current,
    ];
    expect(asked.map((model) => model?.score)).toEqual([0.25, 0.25, 0.25, 0.25, 0.25]);
    await train(ledger, 0.5); // worse
    expect((await ledger.activeModel(project))?.version).toBe(1);
  });

  test("CONFLICT names the deployment that won only if it came after what was expected", async () => {
    await using ledger = await open(memoryEventStore());
    const { revision } = await train(ledger, 0.5);
    await ledger.setPolicy({ project, policy: { minImprovement: 0.1 } });
    const conflict = async (expectedRevision: bigint | "no_stream") =>
      train(ledger, 1, { expectedRevision }).catch((error: unknown) => error);
    expect(await conflict(revision)).toMatchObject({ code: "CONFLICT", details: { expected: "1", actual: "2" } });
    expect(await conflict(revision)).not.toHaveProperty("details.winner");
    expect(await conflict(0n)).toMatchObject({ code: "CONFLICT", details: { winner: { number: 1, version: 1 } } });
    expect(await conflict("no_stream")).toMatchObject({ code: "CONFLICT", details: { winner: { number: 1 } } });
    expect(await conflict(3n)).toMatchObject({ code: "CONFLICT", details: { expected: "3", actual: "2" } });
    expect(await codeOf(train(ledger, 1, { expectedRevision: 2 }))).toMatchObject({ accepted: { version: 2 } });
  });
});
