import { expect, test } from "vitest";
import { openLedger } from "../../src/open-ledger.ts";
import { codeOf } from "./stores.ts";

/** What goes in is taken as it is at the call; what comes out cannot reach back in. */
const project = "Digits";
const training = { project, task: "classification", algorithm: "svm", metrics: { f1: 0.5 } };

test("an input may be changed and used again while its command waits", async () => {
  await using ledger = await openLedger("memory:");
  const input = {
    ...training,
    metrics: { f1: 0.1 },
    hyperparams: { depth: 0, inner: { list: [0] } },
    labels: { run: "0" },
    artifact: { uri: "s3://0" },
    trainedAt: new Date(0),
  };
  const results = Array.from({ length: 4 }, (_, index) => {
    input.metrics.f1 = index;
    input.hyperparams.depth = index;
    input.hyperparams.inner.list[0] = index;
    input.labels.run = String(index);
    input.artifact.uri = `s3://${index}`;
    input.trainedAt.setTime(index);
    return ledger.recordTraining(input);
  });
  await Promise.all(results);
  for (const { version, metrics, hyperparams, labels, artifact, trainedAt } of await ledger.models(project)) {
    const index = version - 1;
    expect({ metrics, hyperparams, labels, artifact, trainedAt }).toEqual({
      metrics: { f1: index },
      hyperparams: { depth: index, inner: { list: [index] } },
      labels: { run: String(index) },
      artifact: { uri: `s3://${index}` },
      trainedAt: new Date(index).toISOString(),
    });
  }
  expect(await ledger.verify()).toMatchObject({ ok: true });
});

/** Tries to overwrite every property of every object within `value`. */
function vandalize(value: unknown): void {
  if (typeof value !== "object" || value === null) return;
  for (const key of Object.keys(value)) {
    vandalize(Reflect.get(value, key));
    Reflect.set(value, key, "vandalized");
    Reflect.deleteProperty(value, key);
  }
}

test("nothing that is handed out reaches back into the ledger", async () => {
  const defaultPolicy = { minImprovement: 0.001 };
  await using ledger = await openLedger("memory:", { defaultPolicy });
  const policy = { frozen: { reason: "audit" } };
  const follower = await ledger.follow(project);
  const handedOut: unknown[] = [
    await ledger.recordTraining({ ...training, artifact: { uri: "s3://1" }, hyperparams: { a: { b: 1 } } }),
    await ledger.recordTraining({ ...training, metrics: { f1: 0.6 } }),
    await ledger.promote({ project, from: "production", to: "staging" }),
    await ledger.rollback({ project }),
    await ledger.setPolicy({ project, policy }),
    policy,
    defaultPolicy,
  ];
  const ask = async () => ({
    project: await ledger.project(project),
    active: await ledger.activeModel(project),
    past: await ledger.activeModel(project, { at: { revision: 3 } }),
    models: await ledger.models(project),
    leaderboard: await ledger.leaderboard(project),
    deployments: await ledger.deployments(),
    timeline: await ledger.timeline(project),
    explained: await ledger.explain({ project, number: 3 }),
    dryRun: await ledger.rollback({ project, steps: 1, dryRun: true, deployedAt: "2026-01-01" }),
  });
  const before = await ask();
  const text = JSON.stringify(before, (key, value: unknown) =>
    typeof value === "bigint" ? String(value) : key === "deploymentId" ? "" : value,
  );
  for (const one of [...handedOut, before, follower.current]) vandalize(one);
  const after = JSON.stringify(await ask(), (key, value: unknown) =>
    typeof value === "bigint" ? String(value) : key === "deploymentId" ? "" : value,
  );
  expect(after).toBe(text);
  expect(await codeOf(ledger.deploy({ project }))).toBe("PROJECT_FROZEN");
  expect(await ledger.verify()).toMatchObject({ ok: true });
});

test("a metric of minus zero is zero, at first and for ever", async () => {
  await using ledger = await openLedger("memory:");
  const input = { ...training, metrics: { f1: -0 }, hyperparams: { x: -0 }, commandId: "zero" };
  const first = await ledger.recordTraining(input);
  expect(Object.is(first.metrics.f1, 0)).toBe(true);
  expect(await ledger.recordTraining(input)).toStrictEqual(first);
});

test("names that are words of the language are names", async () => {
  await using ledger = await openLedger("memory:");
  for (const name of ["constructor", "__proto__", "toString"]) {
    const metrics = name === "__proto__" ? { f1: 1 } : { f1: 1, [name]: 2 };
    const hyperparams = JSON.parse(`{"${name}":{"${name}":1}}`) as Record<string, never>;
    await ledger.recordTraining({ ...training, project: name, algorithm: name, metrics, hyperparams, commandId: name });
    await ledger.setPolicy({ project: name, policy: { metric: name, goal: "minimize" } });
    const found = ledger.deploy({ project: name, algorithm: name, commandId: `${name} again` });
    if (name === "__proto__") await expect(found).rejects.toMatchObject({ code: "NO_SCORED_MODEL" });
    else expect(await found).toMatchObject({ version: 1, decision: { metric: name, score: 2, candidates: 1 } });
    const [model] = await ledger.models(name, { algorithm: name });
    expect(JSON.stringify(model?.hyperparams)).toBe(JSON.stringify(hyperparams));
    expect(model?.metrics).toEqual(metrics);
    if (name !== "__proto__") {
      await ledger.promote({ project: name, from: "production", to: name.toLowerCase() });
      expect((await ledger.activeModel(name, { environment: name.toLowerCase() }))?.number).toBe(1);
    }
    expect(await ledger.activeModel(name, { environment: "valueof" })).toBeUndefined();
  }
});
