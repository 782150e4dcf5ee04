import { expect, test } from "vitest";
import { openLedger, systemRuntime } from "../../src/index.ts";
import { codeOf } from "../ledger/stores.ts";

const project = "Digits";
const HOUR = 3_600_000;

function clock() {
  let now = Date.parse("2026-03-01T00:00:00.000Z");
  return { runtime: { ...systemRuntime(), now: () => now }, pass: (hours: number) => (now += hours * HOUR) };
}

async function ledgerAt(open = openLedger) {
  const { runtime, pass } = clock();
  const ledger = await open("memory:", { runtime, actor: "ann" });
  const train = async (f1: number, more: object = {}) => {
    await ledger.recordTraining({ project, task: "classification", algorithm: "svm", metrics: { f1 }, ...more });
    pass(1);
  };
  return { ledger, train, pass };
}

const drawn = (rows: readonly { actual: { version: number } | null; alternative: { version: number } | null }[]) =>
  rows.map(({ actual, alternative }) => `${actual?.version ?? "-"}:${alternative?.version ?? "-"}`);

test("under a laxer policy more trainings would have deployed, and the time and score of it is told", async () => {
  const { ledger, train } = await ledgerAt();
  await train(0.8);
  await train(0.8);
  await train(0.9);
  await train(0.85);
  const before = await ledger.verify();
  const { rows, environments, metric } = await ledger.whatIf(project, { policy: { automaticDeploy: "not_worse" } });
  expect(drawn(rows)).toEqual(["1:1", "-:2", "3:3"]);
  expect(rows.map((row) => row.differs)).toEqual([false, true, false]);
  expect(metric).toBe("f1");
  // Version 2 for an hour in place of version 1, of the same score.
  expect(environments).toMatchObject([
    { environment: "production", totalMs: 4 * HOUR, differsMs: HOUR, comparedMs: HOUR, scoreHours: 0, isBetter: null },
  ]);
  expect(await ledger.verify()).toEqual(before);
  await ledger.close();
});

test("a stricter policy keeps what was deployed, and the score it cost is integrated over time", async () => {
  const { ledger, train, pass } = await ledgerAt();
  await train(0.5);
  await train(0.75);
  pass(3);
  const strict = await ledger.whatIf(project, { policy: { minImprovement: 0.5 } });
  expect(drawn(strict.rows)).toEqual(["1:1", "2:-"]);
  expect(strict.environments[0]).toMatchObject({
    differsMs: 4 * HOUR,
    scoreHours: -1,
    meanDifference: -0.25,
    isBetter: false,
  });
  const off = await ledger.whatIf(project, { policy: { automaticDeploy: "off" }, until: "2026-03-01T02:00:00Z" });
  expect(drawn(off.rows)).toEqual(["1:-", "2:-"]);
  expect(off.environments[0]).toMatchObject({ totalMs: 2 * HOUR, differsMs: 2 * HOUR, meanDifference: null });
  await ledger.close();
});

test("a comparison that ends before the history does leaves out what came later", async () => {
  const { ledger, train } = await ledgerAt();
  await train(0.5);
  await train(0.75);
  await train(0.8);
  const rule = { policy: { automaticDeploy: "off" }, until: "2026-03-01T01:30:00Z" } as const;
  const { rows, environments, until } = await ledger.whatIf(project, rule);
  expect(drawn(rows)).toEqual(["1:-", "2:-"]);
  expect(environments[0]).toMatchObject({ totalMs: 1.5 * HOUR, differsMs: 1.5 * HOUR });
  expect(until).toBe("2026-03-01T01:30:00.000Z");
  const early = await ledger.whatIf(project, { ...rule, until: "2025-01-01" });
  expect([early.rows, early.environments]).toEqual([[], []]);
  await ledger.close();
});

test("without a model its deployments go to others or nowhere, and rollbacks still go as far back", async () => {
  const { ledger, train, pass } = await ledgerAt();
  await train(0.5);
  await train(0.9);
  await train(0.7);
  await ledger.deploy({ project });
  pass(1);
  await ledger.deploy({ project, model: 2 });
  await ledger.deploy({ project, model: 3 });
  await ledger.rollback({ project });
  const { rows } = await ledger.whatIf(project, { without: 2 });
  expect(drawn(rows)).toEqual(["1:1", "2:-", "-:3", "2:3", "2:-", "3:3", "2:1"]);
  expect(rows[4]?.refused?.code).toBe("MODEL_RETIRED");
  const { modelId } = (await ledger.models(project))[1] ?? { modelId: "" };
  expect((await ledger.whatIf(project, { without: modelId })).rows).toEqual(rows);
  expect(await codeOf(ledger.whatIf(project, { without: 9 }))).toBe("MODEL_NOT_FOUND");
  await ledger.close();
});

test("a strategy decides what was asked for and what trainings could deploy", async () => {
  const { ledger, train } = await ledgerAt();
  await train(0.5);
  await train(0.4);
  await train(0.9, { automaticDeploy: false });
  await ledger.deploy({ project, model: 2 });
  const recent = await ledger.whatIf(project, { strategy: "most_recent" });
  expect(drawn(recent.rows)).toEqual(["1:1", "-:2", "2:3"]);
  const best = await ledger.whatIf(project, { strategy: "best_score" });
  expect(drawn(best.rows)).toEqual(["1:1", "2:3"]);
  await ledger.close();
});

test("frozen deployments that were forced stay forced, and a freeze that was not there refuses", async () => {
  const { ledger, train } = await ledgerAt();
  await train(0.5);
  await ledger.setPolicy({ project, policy: { frozen: { reason: "audit" } } });
  await train(0.9);
  await ledger.deploy({ project, model: 2, force: true });
  const same = await ledger.whatIf(project, { policy: { minImprovement: 0 } });
  expect(same.rows.every((row) => !row.differs)).toBe(true);
  expect(drawn((await ledger.whatIf(project, { policy: { frozen: null } })).rows)).toEqual(["1:1", "-:2", "2:2"]);
  const frozen = { frozen: { reason: "never" } };
  expect(drawn((await ledger.whatIf(project, { policy: frozen })).rows)).toEqual(["1:-", "2:2"]);
  await ledger.close();
});

test("another metric compares by that metric; a policy that cannot be is refused", async () => {
  const { ledger, train, pass } = await ledgerAt();
  await train(0.5, { metrics: { f1: 0.5, loss: 4 } });
  await train(0.9, { metrics: { f1: 0.9, loss: 6 } });
  pass(1);
  const loss = await ledger.whatIf(project, { policy: { metric: "loss", goal: "minimize" } });
  expect(drawn(loss.rows)).toEqual(["1:1", "2:-"]);
  expect(loss).toMatchObject({
    metric: "loss",
    environments: [{ meanDifference: -2, isBetter: true, scoreHours: -4 }],
  });
  expect(await codeOf(ledger.whatIf(project, { policy: { metric: "loss" } }))).toBe("INVALID_INPUT");
  expect(await codeOf(ledger.whatIf(project, {}))).toBe("INVALID_INPUT");
  expect(await codeOf(ledger.whatIf("Nobody", { without: 1 }))).toBe("PROJECT_NOT_FOUND");
  await ledger.close();
});
