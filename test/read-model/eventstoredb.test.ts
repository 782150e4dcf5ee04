import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { LocalLedger } from "../../src/api/local-ledger.ts";
import { sqliteReadModel } from "../../src/read-model/read-model.ts";
import { systemRuntime } from "../../src/runtime.ts";
import type { EventStore, ReadAllOptions } from "../../src/store/event-store.ts";
import { eventStoreDbEventStore } from "../../src/store/eventstoredb.ts";
import { freshCategory, onEventStoreDb } from "../store/server.ts";

const folder = mkdtempSync(join(tmpdir(), "model-ledger-read-model-esdb-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

onEventStoreDb((server) => {
  /** A ledger with its read model in a file, and how many events it read from the server's log. */
  async function opened(category: string) {
    const store = await eventStoreDbEventStore(server(), systemRuntime(), { category });
    const counted = { events: 0 };
    const counting: EventStore = {
      ...store,
      async *readAll(options?: ReadAllOptions) {
        for await (const event of store.readAll(options)) {
          counted.events += 1;
          yield event;
        }
      },
    };
    const readModel = sqliteReadModel(counting, join(folder, category));
    return { counted, ledger: new LocalLedger(counting, {}, { readModel, shortLogEvents: 0 }) };
  }
  const train = (ledger: LocalLedger, project: string, f1: number) =>
    ledger.recordTraining({ project, task: "classification", algorithm: "svm", metrics: { f1 } });

  test("a read model in a file goes on after a restart from where it was, and misses nothing", async () => {
    const category = freshCategory();
    const first = await opened(category);
    for (let index = 1; index <= 40; index++) await train(first.ledger, `Project ${index % 4}`, index / 100);
    expect(await first.ledger.deployments()).toHaveLength(40);
    first.counted.events = 0;
    await train(first.ledger, "Another", 0.5);
    expect(await first.ledger.deployments()).toHaveLength(41);
    expect(first.counted.events).toBeLessThan(10); // the tail alone
    await train(first.ledger, "Another", 0.6); // not taken in before the end
    await first.ledger.close();

    const second = await opened(category);
    expect(await second.ledger.deployments()).toHaveLength(42);
    expect((await second.ledger.projects()).map(({ project, deployments }) => [project, deployments])).toEqual([
      ...["Project 1", "Project 2", "Project 3", "Project 0"].map((project) => [project, 10]),
      ["Another", 2],
    ]);
    expect(second.counted.events).toBeLessThan(20);
    await second.ledger.close();
  });
});
