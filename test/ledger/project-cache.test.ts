import { expect, test } from "vitest";
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
