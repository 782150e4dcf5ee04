import { expect, test } from "vitest";
import type { Ledger } from "../../src/api/ledger.ts";
import { LocalLedger } from "../../src/api/local-ledger.ts";
import { openLedger } from "../../src/open-ledger.ts";
import { systemRuntime } from "../../src/runtime.ts";
import type { EventStore } from "../../src/store/event-store.ts";
import { memoryEventStore } from "../../src/store/memory.ts";
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
    "4: it has no f1",
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
    "its training deployed it (“better: f1 0.5 against 0.4 of version 2, which is active in production”)",
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
  expect(await because(3)).toBe("a rollback went back to deployment 1, the only model to go back to");
  expect(await because(4)).toBe("it is the only qualified model of algorithm b");
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

test("a training is explained by what was active then, deployed or not", async () => {
  await using ledger = await openLedger("memory:", { actor: "ann" });
  await train(ledger, "a", 0.5, { automaticDeploy: true, reason: "nightly" });
  await train(ledger, "b", 0.4, { automaticDeploy: true });
  await ledger.setPolicy({ project, policy: { environment: "staging", metric: "loss", goal: "minimize" } });
  await train(ledger, "c", 0.9, { automaticDeploy: true });
  await ledger.deploy({ project, model: 2 });
  const [first, second, third] = await Promise.all(
    [1, 2, 3].map((version) => ledger.explain({ project, version: version as 1 })),
  );
  expect(first).toMatchObject({ outcome: "deployed", comparedWith: null, metric: "f1", score: 0.5, reason: "nightly" });
  expect(first?.deployments).toMatchObject([{ environment: "production", number: 1 }]);
  expect(second).toMatchObject({
    outcome: "kept",
    because: "not better: f1 0.4 against 0.5 of version 1, which is active in production",
    comparedWith: { environment: "production", number: 1, version: 1, score: 0.5 },
    deployments: [{ environment: "production", number: 2 }],
    command: { asked: "a training" },
  });
  expect(third).toMatchObject({ outcome: "deployed", metric: "loss", score: null, comparedWith: null });
  expect(await ledger.explain({ project, modelId: second?.model.modelId ?? "" })).toEqual(second);
  expect(second?.paragraph).toMatch(/ It has been deployed once: number 2 in production\.$/);
  expect(await codeOf(ledger.explain({ project, version: 4 }))).toBe("MODEL_NOT_FOUND");
  expect(await codeOf(ledger.explain({ project: "Nobody", version: 1 }))).toBe("PROJECT_NOT_FOUND");
});

test("the paragraph names no ids, counts rightly, and tells how long the one before had served", async () => {
  const at = Date.parse("2026-03-01T09:30:00.000Z");
  let now = at;
  const runtime = { ...systemRuntime(), now: () => now };
  await using ledger = await openLedger("memory:", { actor: "ann", runtime });
  await train(ledger, "a", 0.5);
  await train(ledger, "b", 0.9);
  await ledger.deploy({ project, model: 1, reason: "a start" });
  now += 26 * 3_600_000;
  await ledger.deploy({ project });
  now += 61_000;
  await ledger.rollback({ project, reason: "wrong labels" });
  const paragraph = async (number: number) => (await ledger.explain({ project, number })).paragraph;
  expect(await paragraph(1)).toBe(
    "On 1 March 2026 at 09:30:00 UTC, ann put version 1 of “Digits” (a, f1 0.5) into production; it was deployment number 1 there. Exactly this model was asked for, so its score was not compared with others. Nothing had been active in production before. The reason given was: “a start”.",
  );
  expect(await paragraph(2)).toBe(
    "On 2 March 2026 at 11:30:00 UTC, ann put version 2 of “Digits” (b, f1 0.9) into production; it was deployment number 2 there. The best score was asked for: 2 models qualified, and it has the highest f1 of them. Not chosen was version 1 (a, f1 0.5), because its f1 of 0.5 is not better than 0.9. It replaced version 1 (a), which had served for 1 day and 2 hours. No reason was given.",
  );
  expect(await paragraph(3)).toBe(
    "On 2 March 2026 at 11:31:01 UTC, ann put version 1 of “Digits” (a, f1 0.5) into production; it was deployment number 3 there. This was a rollback. It went back to the model of deployment number 1, the only model to go back to. It replaced version 2 (b), which had served for 1 minute and 1 second. The reason given was: “wrong labels”.",
  );
});

test("a rollback tells what else could have been gone back to", async () => {
  await using ledger = await openLedger("memory:");
  for (const [index, algorithm] of ["a", "b", "c", "d"].entries()) {
    await train(ledger, algorithm, index / 10);
    await ledger.deploy({ project, model: index + 1 });
  }
  await ledger.retireModel({ project, model: 1, reason: "old" });
  await ledger.rollback({ project, steps: 2 });
  await ledger.reinstateModel({ project, model: 1, reason: "new" });
  expect(await lost(ledger, 5)).toEqual(["3: its latest deployment, 3, is more recent than what was gone back to"]);
});

test("without a metric that decides, those that qualified are told all the same", async () => {
  await using ledger = await openLedger("memory:");
  for (const algorithm of ["a", "b", "c"]) await train(ledger, algorithm, undefined, { task: "embedding" });
  await ledger.deploy({ project, strategy: "most_recent" });
  expect(await lost(ledger, 1)).toEqual(["1: it was trained earlier", "2: it was trained earlier"]);
});

test("a rollback to a number was weighed against nothing, whatever else there was to go back to", async () => {
  await using ledger = await openLedger("memory:");
  for (const [index, algorithm] of ["a", "b", "c"].entries()) {
    await train(ledger, algorithm, index / 10);
    await ledger.deploy({ project, model: index + 1 });
  }
  await ledger.rollback({ project, toNumber: 1 });
  const { candidates, replayed, because, paragraph } = await ledger.explain({ project, number: 4 });
  expect(candidates).toEqual({ count: 1, others: [] });
  expect(replayed).toMatchObject({ number: 1, isByNumber: true });
  expect(because).toBe("a rollback went back to deployment 1, which it named");
  expect(paragraph).toContain("This was a rollback to the model of deployment number 1, which was named. It replaced");
  await ledger.rollback({ project });
  expect((await ledger.explain({ project, number: 5 })).replayed).toMatchObject({ number: 3, isByNumber: false });
});

test("a model that was deployed again had served since its first deployment", async () => {
  let now = Date.parse("2026-03-01T09:30:00.000Z");
  await using ledger = await openLedger("memory:", { runtime: { ...systemRuntime(), now: () => now } });
  const day = 24 * 3_600_000;
  await train(ledger, "a", 0.5);
  await train(ledger, "b", 0.4);
  await ledger.deploy({ project, model: 2 });
  now += day;
  await ledger.deploy({ project });
  now += 30 * day;
  await ledger.deploy({ project, reason: "the weekly check" });
  now += 7 * day;
  const again = await ledger.deploy({ project });
  expect((await ledger.explain({ project, deploymentId: again.deploymentId })).paragraph).toContain(
    "The same version had been active there already, for 37 days; it had been deployed again, as number 3, 7 days earlier.",
  );
  now += day;
  const { deploymentId } = await ledger.deploy({ project, model: 2 });
  const { replaced, paragraph, sentence } = await ledger.explain({ project, deploymentId });
  expect(replaced).toMatchObject({ number: 4, servedMs: day, modelServedMs: 38 * day });
  expect(paragraph).toContain(
    "version 1 (a), which had served for 38 days; it had been deployed again, as number 4, 1 day",
  );
  expect(sentence).toContain("it replaced version 1 (a), which had served for 38 days, and");
});

test("force is told: past a retirement, past a freeze, and that a rollback needed none", async () => {
  await using ledger = await openLedger("memory:");
  await train(ledger, "a", 0.5);
  await train(ledger, "b", 0.4);
  await ledger.deploy({ project });
  await ledger.retireModel({ project, model: 2, reason: "old" });
  await ledger.deploy({ project, model: 2, force: true });
  await ledger.setPolicy({ project, policy: { frozen: { reason: "holidays" } } });
  await ledger.rollback({ project });
  await ledger.deploy({ project, model: 2, force: true });
  await ledger.setPolicy({ project, policy: { frozen: null } });
  const told = async (number: number) => {
    const { forced, paragraph } = await ledger.explain({ project, number });
    return [forced, /It had to be forced[^.]*\./.exec(paragraph)?.[0]];
  };
  expect(await told(1)).toEqual([null, undefined]);
  expect(await told(2)).toEqual([
    { isRetired: true, freeze: null },
    "It had to be forced, because this model was retired.",
  ]);
  expect(await told(3)).toEqual([null, undefined]);
  expect(await told(4)).toEqual([
    { isRetired: true, freeze: "holidays" },
    "It had to be forced, because this model was retired and the project was frozen (“holidays”).",
  ]);
});

test("a training's paragraph gives its reason as the training's, not as that of what became of it", async () => {
  await using ledger = await openLedger("memory:", { actor: "ann" });
  const text = { task: "text_generation", automaticDeploy: true };
  await train(ledger, "a", undefined, { ...text, metrics: { perplexity: 10 } });
  await train(ledger, "b", undefined, { ...text, metrics: { perplexity: 15 }, reason: "nightly" });
  expect((await ledger.explain({ project, version: 2 })).paragraph).toMatch(
    /\(b, perplexity 15\)\. The reason given was: “nightly”\. It was not deployed at once; the ledger found: “not better: .*”\. The lower the perplexity, the better\. It has never been deployed\.$/,
  );
});

test("a deployment of a long project is explained without reading the stream anew", async () => {
  const store = memoryEventStore();
  let read = 0;
  const counting: EventStore = {
    ...store,
    readStream: async function* (stream, options) {
      for await (const event of store.readStream(stream, options)) {
        read += 1;
        yield event;
      }
    },
  };
  const ledger = new LocalLedger(counting);
  await train(ledger, "a", 0.5);
  for (let index = 0; index < 300; index++) await ledger.deploy({ project, model: 1 });
  read = 0;
  expect((await ledger.explain({ project, number: 300 })).replaced).toMatchObject({ number: 299 });
  expect(read).toBeLessThan(10);
});
