import { describe, expect, test } from "vitest";
import {
  A,
  type Asked,
  B,
  C,
  deploy,
  deployed,
  given,
  P,
  promote,
  reinstate,
  retire,
  rollBack,
  setPolicy,
  shelved,
  train,
  uuid,
} from "./given.ts";

/** What is stated when a command is accepted, whole: nothing is lost on the way into the log, and nothing is added. */

function factsOf(history: readonly Asked[], asked: Asked) {
  const { outcome } = given(...history).when(asked);
  if ("refusal" in outcome) throw new Error(outcome.refusal.message);
  return outcome.events;
}

describe("a training states", () => {
  const least = {
    project: P,
    modelId: uuid(2),
    version: 1,
    task: "classification",
    algorithm: "svm",
    metrics: { f1: 0.5 },
    hyperparams: {},
    trainedAt: "2026-01-01T00:00:02.000Z",
    automaticDeploy: { outcome: "off", because: "the training asked not to be deployed" },
  };
  test("what it must say, and the present as its time", () =>
    expect(factsOf([], shelved("svm", 0.5))).toStrictEqual([{ type: "ModelTrained", data: least }]));
  test("what else it says", () => {
    const more = {
      hyperparams: { depth: 3 },
      snapshot: { relation: "public.digits", rows: 10, digest: "sha256:1" },
      artifact: { digest: "sha256:2", uri: "s3://bucket/model" },
      labels: { team: "vision" },
      trainedAt: "2025-12-31T00:00:00.000Z",
    };
    expect(factsOf([], shelved("svm", 0.5, more))).toStrictEqual([
      { type: "ModelTrained", data: { ...least, ...more } },
    ]);
  });
  test("its deployment with it, if it deploys", () =>
    expect(factsOf([train("a", 0.4)], train("svm", 0.5))).toStrictEqual([
      {
        type: "ModelTrained",
        data: {
          ...least,
          modelId: uuid(4),
          version: 2,
          trainedAt: "2026-01-01T00:00:04.000Z",
          automaticDeploy: {
            outcome: "deployed",
            because: "better: f1 0.5 against 0.4 of version 1, which is active in production",
          },
        },
      },
      {
        type: "ModelDeployed",
        data: {
          project: P,
          environment: "production",
          deploymentId: uuid(5),
          number: 2,
          modelId: uuid(4),
          version: 2,
          algorithm: "svm",
          strategy: "new_score",
          replaces: { deploymentId: uuid(3), modelId: uuid(2) },
          decision: { candidates: 1, goal: "maximize", metric: "f1", previousScore: 0.4, score: 0.5 },
          deployedAt: "2026-01-01T00:00:04.000Z",
        },
      },
    ]));
});

describe("a deployment states", () => {
  const decision = { candidates: 3, goal: "maximize", metric: "f1", previousScore: null, score: 0.9 };
  const best = {
    project: P,
    environment: "production",
    deploymentId: uuid(9),
    number: 1,
    modelId: uuid(4),
    version: 2,
    algorithm: "svm",
    strategy: "best_score",
    decision,
    deployedAt: "2026-01-01T00:00:08.000Z",
  };
  const one = { ...decision, candidates: 1 };
  const after = { deploymentId: uuid(11), deployedAt: "2026-01-01T00:00:10.000Z" };
  const ofA = { modelId: uuid(2), version: 1, algorithm: "linear", decision: { ...one, score: 0.8 } };
  test.each([
    ["whom it found, among how many, by what", [A, B, C], deploy(), best],
    [
      "when it took place, where that is told",
      [A, B, C],
      deploy({ deployedAt: "2025-12-31T12:00:00Z" }),
      { ...best, deployedAt: "2025-12-31T12:00:00.000Z" },
    ],
    [
      "which algorithm it was to be of",
      [A, B, C],
      deploy({ algorithm: "svm" }),
      { ...best, algorithmFilter: "svm", decision: one },
    ],
    [
      "whom it replaces, and how good that was",
      [A, B, C, deployed(1)],
      deploy(),
      {
        ...best,
        ...after,
        number: 2,
        replaces: { deploymentId: uuid(9), modelId: uuid(2) },
        decision: { ...decision, previousScore: 0.8 },
      },
    ],
    ["that force was needed", [A, B, retire(1)], deployed(1), { ...best, ...ofA, strategy: "specific", forced: true }],
    ["no force where none was needed", [A, B, C], deployed(1), { ...best, ...ofA, strategy: "specific" }],
    [
      "from where it was promoted, and when",
      [A, B, C, deployed(1)],
      promote("production", "staging", { deployedAt: "2025-12-31" }),
      {
        ...best,
        ...ofA,
        environment: "staging",
        deploymentId: uuid(11),
        strategy: "specific",
        promotedFrom: "production",
        deployedAt: "2025-12-31T00:00:00.000Z",
      },
    ],
    [
      "that a promotion was forced",
      [A, deployed(1), retire(1)],
      promote("production", "staging", { force: true }),
      { ...best, ...ofA, environment: "staging", strategy: "specific", promotedFrom: "production", forced: true },
    ],
    [
      "which deployment it goes back to",
      [A, B, deployed(1), deployed(2)],
      rollBack(),
      {
        ...best,
        ...ofA,
        ...after,
        number: 3,
        strategy: "rollback",
        replays: uuid(7),
        replaces: { deploymentId: uuid(9), modelId: uuid(4) },
        decision: { ...one, previousScore: 0.9, score: 0.8 },
      },
    ],
  ] as const)("%s", (_, history, asked, data) =>
    expect(factsOf(history, asked)).toStrictEqual([{ type: "ModelDeployed", data }]),
  );
  test("its decision in the order of canonical JSON, in which the log gives it back", () => {
    const [event] = factsOf([A], deploy());
    if (event?.type !== "ModelDeployed") throw new Error("a deployment");
    expect(Object.keys(event.data.decision)).toEqual(["candidates", "goal", "metric", "previousScore", "score"]);
  });
});

describe("the government of a project states", () => {
  test("a retirement, and where the model is active nevertheless", () => {
    const active = [A, B, deployed(2), deployed(1, { environment: "staging" }), deployed(1, { environment: "canary" })];
    expect(factsOf(active, retire(1))).toStrictEqual([
      { type: "ModelRetired", data: { project: P, modelId: uuid(2), version: 1, activeIn: ["staging", "canary"] } },
    ]);
    expect(factsOf([A, B, deployed(2)], retire(1))).toStrictEqual([
      { type: "ModelRetired", data: { project: P, modelId: uuid(2), version: 1, activeIn: [] } },
    ]);
  });
  test("a reinstatement, and none of a model that is not retired", () => {
    expect(factsOf([A, retire(1)], reinstate(1))).toStrictEqual([
      { type: "ModelReinstated", data: { project: P, modelId: uuid(2), version: 1 } },
    ]);
    expect(factsOf([A], reinstate(1))).toEqual([]);
  });
  test("a policy, all of it, and what was named of it", () =>
    expect(
      factsOf(
        [setPolicy({ minImprovement: 0.1, environment: "staging" })],
        setPolicy({ environment: null, goal: undefined }),
      ),
    ).toStrictEqual([
      { type: "PolicySet", data: { project: P, policy: { minImprovement: 0.1 }, changed: ["environment"] } },
    ]));
});
