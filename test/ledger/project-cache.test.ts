import { describe, expect, test } from "vitest";
import { LocalLedger } from "../../src/api/local-ledger.ts";
import type { EventStore, ReadStreamOptions } from "../../src/store/event-store.ts";
import { memoryEventStore } from "../../src/store/memory.ts";

test("a project heavier than the whole cache is cached all the same, alone", async () => {
  const store = memoryEventStore();
  let reads = 0;
  const counting: EventStore = {
    ...store,
    readStream(stream: string, options?: ReadStreamOptions) {
      reads += 1;
      return store.readStream(stream, options);
    },
  };
  await using ledger = new LocalLedger(counting, { maxCached: 3 });
  const train = (project: string) =>
    ledger.recordTraining({ project, task: "classification", algorithm: "svm", metrics: { f1: 0.5 } });
  for (let index = 0; index < 5; index++) await train("Heavy");
  await ledger.project("Heavy");
  reads = 0;
  expect(await ledger.project("Heavy")).toMatchObject({ models: 5 });
  expect(reads).toBe(0);
  await train("Light");
  await ledger.project("Light");
  reads = 0;
  await ledger.project("Light");
  expect(reads).toBe(0);
});

describe("a server that comes back without what it had", () => {
  const project = "Digits";
  const train = (ledger: LocalLedger, f1: number) =>
    ledger.recordTraining({ project, task: "classification", algorithm: "svm", metrics: { f1 } });

  /** A ledger on a server that can be given another log, as by a restart in memory or from a backup. */
  function onServer() {
    let log = memoryEventStore();
    const store: EventStore = {
      ...log,
      append: (...how) => log.append(...how),
      readStream: (...how) => log.readStream(...how),
      readAll: (...how) => log.readAll(...how),
      kept: (name) => log.kept(name),
      changeCount: () => Number.NaN,
    };
    const comesBackWith = (other: EventStore): void => {
      log = other;
    };
    return { ledger: new LocalLedger(store), comesBackWith };
  }

  async function backup(trainings: number): Promise<EventStore> {
    const store = memoryEventStore();
    const ledger = new LocalLedger(store);
    for (let index = 0; index < trainings; index++) await train(ledger, 0.1 + index / 100);
    return store;
  }

  test.for([0, 1, 3])("answers and decides by the log that there is, of %i trainings", async (trainings) => {
    const { ledger, comesBackWith } = onServer();
    for (const f1 of [0.2, 0.3, 0.4]) await train(ledger, f1);
    comesBackWith(await backup(trainings));
    expect((await ledger.activeModel(project))?.version).toBe(trainings || undefined);
    expect(await train(ledger, 0.9)).toMatchObject({ version: trainings + 1 });
    expect(await ledger.verify()).toMatchObject({ ok: true });
  });

  test.for([0, 1])("takes a command at once, on the log of %i trainings", async (trainings) => {
    const { ledger, comesBackWith } = onServer();
    for (const f1 of [0.2, 0.3, 0.4]) await train(ledger, f1);
    comesBackWith(await backup(trainings));
    expect(await train(ledger, 0.9)).toMatchObject({ version: trainings + 1 });
    expect(await ledger.verify()).toMatchObject({ ok: true });
  });
});
