import { expect, test } from "vitest";
import { LocalLedger } from "../../src/api/local-ledger.ts";
import type { EventStore, Kept } from "../../src/store/event-store.ts";
import { memoryEventStore } from "../../src/store/memory.ts";
import { onEveryStore } from "./stores.ts";

const task = "classification";

onEveryStore((place) => {
  test("a project's name may be as long as the contract says, in any script", async () => {
    await using ledger = await place().open();
    const names = [
      "数字图像分类".repeat(33),
      "🦜".repeat(200),
      "a / b\u00a0? #%25".repeat(10),
      "__proto__",
      "constructor",
    ];
    for (const name of names) {
      await ledger.recordTraining({ project: name, task, algorithm: "svm", metrics: { f1: 1 } });
      expect(await ledger.project(name)).toMatchObject({ project: name, models: 1, deployments: 1 });
    }
    expect((await ledger.projects()).map((one) => one.project)).toEqual(names);
  });
});

/** Counts the events read from a store. */
function counting(store: EventStore) {
  const counted = { read: 0 };
  const wrapped: EventStore = {
    ...store,
    async *readStream(...call) {
      for await (const event of store.readStream(...call)) {
        counted.read += 1;
        yield event;
      }
    },
  };
  return { counted, ledger: () => new LocalLedger(wrapped) };
}

const project = "Digits";
async function longProject(): Promise<EventStore> {
  const store = memoryEventStore();
  const ledger = new LocalLedger(store);
  for (let index = 0; index < 2_400; index++) {
    const algorithm = ["svm", "knn", "__proto__"][index % 3] ?? "";
    await ledger.recordTraining({ project, task, algorithm, metrics: { f1: (index % 700) / 700 } });
    if (index % 50 === 49) await ledger.rollback({ project });
    if (index % 100 === 99) await ledger.retireModel({ project, model: index });
  }
  await ledger.retireModel({ project, model: 3 });
  await ledger.setPolicy({ project, policy: { frozen: { reason: "audit" }, metric: "f1" } });
  return store;
}

test("a snapshot changes no answer, and spares the reading", async () => {
  const store = await longProject();
  const { counted, ledger } = counting(store);
  const { ledger: withoutSnapshots } = counting({ ...store, kept: async () => undefined });
  const warm = ledger();
  const summary = await warm.project(project);
  expect(counted.read).toBeLessThan(1_100);
  const cold = withoutSnapshots();
  expect(summary).toEqual(await cold.project(project));
  expect(await warm.leaderboard(project)).toEqual(await cold.leaderboard(project));
  expect(await warm.models(project)).toEqual(await cold.models(project));
  expect(await warm.explain({ project, number: 20 })).toEqual(await cold.explain({ project, number: 20 }));
  for (const ask of [
    { strategy: "rollback", steps: 7 },
    { strategy: "rollback", algorithm: "__proto__" },
    { strategy: "most_recent", algorithm: "knn", force: true },
    { strategy: "best_score", force: true },
  ] as const) {
    const [one, two] = await Promise.all([warm, cold].map((asked) => asked.deploy({ project, dryRun: true, ...ask })));
    expect({ ...one, deploymentId: "", deployedAt: "" }).toEqual({ ...two, deploymentId: "", deployedAt: "" });
  }
});

test("a snapshot that does not fit the log is passed over", async () => {
  const store = await longProject();
  const { ledger: cold } = counting({ ...store, kept: async () => undefined });
  const truth = await cold().project(project);
  const saved = async (name: string): Promise<string | undefined> => (await store.kept(name))?.value;
  const other = memoryEventStore();
  const elsewhere = new LocalLedger(other);
  for (let index = 0; index < 1_100; index++) {
    await elsewhere.recordTraining({ project, task, algorithm: "svm", metrics: { f1: index } });
  }
  const changed = async (name: string, change: (text: string) => string) => change((await saved(name)) ?? "");
  for (const text of [
    async (name: string) => (await other.kept(name))?.value,
    (name: string) => changed(name, (value) => value.replace("project 4", "project 999")),
    (name: string) => changed(name, (value) => value.slice(0, -1)),
    (name: string) => changed(name, (value) => value.replace(/.$/, (last) => (last === "A" ? "B" : "A"))),
    (name: string) => changed(name, (value) => value.split("\n").slice(0, 2).join("\n")),
    (name: string) => changed(name, (value) => value.split("\n").toSpliced(2, 1).join("\n")),
    async () => "not JSON",
    async () => "null",
    async () => "[]",
    async () => "{}",
    async () => '{"version":1}',
    async () => '{"version":1,"state":{}}',
    async () => '{"version":1,"state":{"models":[],"revision":-5,"hash":""}}',
    async () => '{"version":1,"state":{"models":[],"revision":999999,"hash":""}}',
    async () => '{"version":1,"state":{"models":[],"revision":"x","hash":""}}',
  ]) {
    async function kept(name: string): Promise<Kept | undefined> {
      const value = await text(name);
      return value === undefined ? undefined : { value, revision: 0n };
    }
    const { ledger } = counting({ ...store, kept });
    expect(await ledger().project(project)).toEqual(truth);
  }
});

test("a store that keeps nothing costs time only", async () => {
  const store: EventStore = {
    ...memoryEventStore(),
    keep: async () => {
      throw new Error("the disk is full");
    },
  };
  const ledger = new LocalLedger(store);
  for (let index = 0; index < 600; index++) {
    await ledger.recordTraining({ project, task, algorithm: "svm", metrics: { f1: index } });
  }
  expect(await new LocalLedger(store).project(project)).toEqual(await ledger.project(project));
  await ledger.close();
});
