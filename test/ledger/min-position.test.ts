import { expect, test } from "vitest";
import type { Ledger } from "../../src/api/ledger.ts";
import { LocalLedger } from "../../src/api/local-ledger.ts";
import { systemRuntime } from "../../src/runtime.ts";
import type { EventStore } from "../../src/store/event-store.ts";
import { memoryEventStore } from "../../src/store/memory.ts";
import { codeOf, onEveryLedger } from "./stores.ts";

const project = "Digits";
const train = (ledger: Ledger) =>
  ledger.recordTraining({ project, task: "classification", algorithm: "svm", metrics: { f1: 0.5 } });

/** Every read, asked to wait for a position. */
const READS: Readonly<Record<string, (ledger: Ledger, wait: object) => PromiseLike<unknown>>> = {
  activeModel: (ledger, wait) => ledger.activeModel(project, wait),
  project: (ledger, wait) => ledger.project(project, wait),
  projects: (ledger, wait) => ledger.projects(wait),
  models: (ledger, wait) => ledger.models(project, wait),
  leaderboard: (ledger, wait) => ledger.leaderboard(project, wait),
  deployments: (ledger, wait) => ledger.deployments({ project, ...wait }),
  timeline: (ledger, wait) => ledger.timeline(project, wait),
  explain: (ledger, wait) => ledger.explain({ project, number: 1, ...wait }),
  verify: (ledger, wait) => ledger.verify(wait),
};

/** The position that the next event but `count` will have, in the stores that number their events. */
const later = (position: string | undefined, count: number) =>
  String(Number(position) + count).padStart((position ?? "").length, "0");

test("a position that is reached between two looks at the log is not waited for", async () => {
  const store = memoryEventStore();
  await using writer = new LocalLedger(store);
  const { position } = await train(writer);
  const minPosition = later(position, 1);
  let looks = 0;
  const racing: EventStore = {
    ...store,
    async *readAll(options) {
      if (options?.direction === "backwards" && ++looks === 2) await train(writer);
      yield* store.readAll(options);
    },
  };
  expect(await new LocalLedger(racing).project(project, { minPosition })).toMatchObject({ models: 2 });
});

onEveryLedger((place) => {
  test("a read asked to wait for a position answers at once when it is there", async () => {
    await using ledger = await place().open();
    const { position } = await train(ledger);
    for (const read of Object.values(READS)) expect(await read(ledger, { minPosition: position })).toBeDefined();
  });

  test("and otherwise as soon as anybody has written it", async () => {
    const here = place();
    await using writer = await here.open();
    await using reader = await here.open();
    const { position } = await train(writer);
    const minPosition = later(position, 1);
    const waiting = Object.values(READS).map((read) => read(reader, { minPosition }));
    const models = reader.models(project, { minPosition }).toArray();
    await train(writer);
    await Promise.all(waiting);
    expect(await models).toHaveLength(2);
  });

  test("a position that is never reached is an error that says so, in a bounded time or when aborted", async () => {
    const runtime = {
      ...systemRuntime(),
      after(_delayMs: number, callback: () => void) {
        const timer = setTimeout(callback, 20);
        return () => clearTimeout(timer);
      },
    };
    await using ledger = await place().open({ runtime });
    const { position } = await train(ledger);
    const minPosition = later(position, 7);
    await expect(ledger.project(project, { minPosition })).rejects.toMatchObject({
      code: "STORE_UNAVAILABLE",
      message: expect.stringContaining(minPosition),
      details: { minPosition, position },
    });
    const signal = AbortSignal.abort();
    expect(await codeOf(ledger.project(project, { minPosition, signal }))).toBe("ABORTED");
    expect(await codeOf(ledger.project(project, { minPosition: "zebra" }))).toBe("INVALID_INPUT");
    expect(await codeOf(ledger.project(project, { minPosition: "not a position" }))).toBe("INVALID_INPUT");
  });

  test("what is no position of the store is refused, whatever was asked before", async () => {
    await using ledger = await place().open();
    const { position } = await train(ledger);
    await ledger.project(project, { minPosition: position });
    for (const minPosition of ["0", `${position}0`, `${position?.slice(0, -2)}-a`]) {
      expect(await codeOf(ledger.project(project, { minPosition })), minPosition).toBe("INVALID_INPUT");
    }
  });
});
