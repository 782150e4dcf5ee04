import { expect, test } from "vitest";
import type { Ledger } from "../../src/api/ledger.ts";
import { openLedger } from "../../src/open-ledger.ts";
import { codeOf } from "../ledger/stores.ts";

const project = "Digits";
const train = (ledger: Ledger, algorithm: string, f1: number | undefined, more: object = {}) =>
  ledger.recordTraining({
    project,
    task: "classification",
    algorithm,
    metrics: f1 === undefined ? {} : { f1 },
    automaticDeploy: false,
    ...more,
  });
const lost = async (ledger: Ledger, number: number) =>
  (await ledger.explain({ project, number })).candidates.others.map(
    ({ version, lostBecause }) => `${version}: ${lostBecause}`,
  );

test("the best score: who else qualified, and why each of them lost", async () => {
  await using ledger = await openLedger("memory:", { actor: "ann" });
  await train(ledger, "a", 0.5);
  await train(ledger, "b", 0.9);
  await train(ledger, "c", 0.9);
  await train(ledger, "d", undefined);
  await train(ledger, "e", 1);
  await ledger.retireModel({ project, model: 5, reason: "leaked labels" });
  await ledger.deploy({ project });
  const { because, candidates, replaced, replayed, sentence } = await ledger.explain({ project, number: 1 });
  expect(because).toBe("it has the best f1 (0.9) of 4 qualified models");
  expect(candidates.count).toBe(4);
  expect(await lost(ledger, 1)).toEqual([
    "3: its score is the same, and it was trained later",
    "1: its f1 of 0.5 is not better than 0.9",
  ]);
  expect([replaced, replayed]).toEqual([null, null]);
  expect(sentence).toMatch(/nothing had been active there before, and no reason was given\.$/);
});

test("a training that deployed itself was weighed against the active model alone", async () => {
  await using ledger = await openLedger("memory:");
  await train(ledger, "a", 0.9);
  await train(ledger, "b", 0.4);
  await ledger.deploy({ project, model: 2 });
  await train(ledger, "c", 0.5, { automaticDeploy: true });
  const { because, candidates, replaced } = await ledger.explain({ project, number: 2 });
  expect(because).toBe(
    "its training deployed it: better: f1 0.5 against 0.4 of version 2, which is active in production",
  );
  expect(candidates).toEqual({ count: 1, others: [] }); // version 1 is better, and was never asked
  expect(replaced).toMatchObject({ number: 1, version: 2 });
});

test("rollback, promotion and a model by name say so", async () => {
  await using ledger = await openLedger("memory:");
  await train(ledger, "a", 0.9);
  await train(ledger, "b", 0.4);
  await ledger.deploy({ project, model: 1 });
  await ledger.deploy({ project, model: 2 });
  await ledger.rollback({ project });
  await ledger.promote({ project, from: "production", to: "staging" });
  await ledger.deploy({ project, strategy: "most_recent", algorithm: "b" });
  const because = async (number: number, environment = "production") =>
    (await ledger.explain({ project, number, environment })).because;
  expect(await because(2)).toBe("exactly this model was asked for");
  expect(await because(3)).toBe("a rollback went back to deployment 1, of 1 qualified model to go back to");
  expect(await because(4)).toBe("it was trained last of 1 qualified model of algorithm b");
  expect(await because(1, "staging")).toBe("it was promoted from production");
  expect((await ledger.explain({ project, number: 3 })).replayed).toMatchObject({ number: 1, version: 1 });
});

test("is told of the models as they were then", async () => {
  await using ledger = await openLedger("memory:");
  await train(ledger, "a", 0.9);
  await train(ledger, "b", 0.4);
  await ledger.deploy({ project });
  const before = await ledger.explain({ project, number: 1 });
  await train(ledger, "c", 0.95);
  await ledger.retireModel({ project, model: 2, reason: "old" });
  await ledger.setPolicy({ project, policy: { metric: "loss", goal: "minimize" } });
  expect(await ledger.explain({ project, number: 1 })).toEqual(before);
  const { deploymentId } = before.deployment;
  expect(await ledger.explain({ project, deploymentId: deploymentId.toUpperCase() })).toEqual(before);
});

test("what is not there is not found", async () => {
  await using ledger = await openLedger("memory:");
  expect(await codeOf(ledger.explain({ project, number: 1 }))).toBe("PROJECT_NOT_FOUND");
  await train(ledger, "a", 0.9);
  expect(await codeOf(ledger.explain({ project, number: 1 }))).toBe("DEPLOYMENT_NOT_FOUND");
  const deploymentId = "0190b0a0-0000-7000-8000-000000000000";
  expect(await codeOf(ledger.explain({ project, deploymentId }))).toBe("DEPLOYMENT_NOT_FOUND");
});
