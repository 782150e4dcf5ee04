import { describe, expect, test } from "vitest";
import type { WhatIfRule } from "../../src/domain/what-if.ts";
import {
  A,
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
import { drawn, replayed, UNTIL } from "./replaying.ts";

/** What another policy would have deployed, beside what was deployed. */

/** A rule under which nothing is different. */
const SAME: WhatIfRule = { policy: { minImprovement: 0 } };

describe("under a rule that changes nothing", () => {
  test("a row tells who served, who would have, since which event, and of which time", () => {
    const { world } = given(train("svm", 0.5), deployed(1, { environment: "staging" }));
    const served = { version: 1, modelId: uuid(2), algorithm: "svm" };
    expect(replayed(SAME, world.log)).toEqual({
      project: P,
      metric: "f1",
      goal: "maximize",
      until: UNTIL,
      rows: [
        {
          revision: 1n,
          recordedAt: "2026-01-01T00:00:02.000Z",
          environment: "production",
          actual: { ...served, strategy: "new_score", number: 1 },
          alternative: { ...served, strategy: "new_score" },
          differs: false,
        },
        {
          revision: 2n,
          recordedAt: "2026-01-01T00:00:04.000Z",
          environment: "staging",
          actual: { ...served, strategy: "specific", number: 1 },
          alternative: { ...served, strategy: "specific" },
          differs: false,
        },
      ],
      environments: [
        expect.objectContaining({ environment: "production", totalMs: 31 * 86_400_000 - 2_000, differsMs: 0 }),
        expect.objectContaining({ environment: "staging", totalMs: 31 * 86_400_000 - 4_000, differsMs: 0 }),
      ],
    });
  });
  test.each([
    ["the best and the latest", [A, B, C, deploy(), deploy({ strategy: "most_recent" })], ["2:2", "3:3"]],
    ["one of an algorithm", [A, B, C, deploy({ algorithm: "knn" })], ["3:3"]],
    ["one that was named, by an algorithm too", [A, B, deploy({ model: 1, algorithm: "linear" })], ["1:1"]],
    ["a promotion", [A, B, deployed(1), promote("production", "staging"), deployed(2)], ["1:1", "staging 1:1", "2:2"]],
    [
      "a rollback of two steps",
      [A, B, C, deployed(1), deployed(2), deployed(3), rollBack({ steps: 2 })],
      ["1:1", "2:2", "3:3", "1:1"],
    ],
    [
      "a rollback within an algorithm",
      [A, B, C, deployed(1), deployed(2), deployed(3), rollBack({ algorithm: "linear" })],
      ["1:1", "2:2", "3:3", "1:1"],
    ],
    ["a rollback to the model that is active", [A, deployed(1), rollBack({ toNumber: 1 })], ["1:1", "1:1"]],
    [
      "a rollback to the model that is active, of a frozen project",
      [A, deployed(1), setPolicy({ frozen: { reason: "audit" } }), rollBack({ toNumber: 1 })],
      ["1:1", "1:1"],
    ],
    [
      "a forced rollback to a retired model",
      [A, B, deployed(1), deployed(2), retire(1), rollBack({ toNumber: 1, force: true })],
      ["1:1", "2:2", "1:1"],
    ],
    ["a retired model by force", [A, retire(1), deployed(1)], ["1:1"]],
    ["what is not retired", [A, B, retire(2), deploy(), reinstate(2), deploy()], ["1:1", "2:2"]],
    ["by force what is frozen", [A, setPolicy({ frozen: { reason: "audit" } }), deployed(1)], ["1:1"]],
    [
      "what was frozen once",
      [A, setPolicy({ frozen: { reason: "audit", until: "2026-01-01T00:00:05Z" } }), deploy()],
      ["1:1"],
    ],
    [
      "in the environment that the policy names",
      [setPolicy({ environment: "staging" }), train("a", 0.1), train("b", 0.2)],
      ["staging 1:1", "staging 2:2"],
    ],
    ["nothing where trainings do not ask for it", [shelved("a", 0.1), train("b", 0.2)], ["2:2"]],
  ] as const)("there is deployed %s", (_, history, rows) => expect(drawn(SAME, ...history)).toEqual(rows));
  test("a reason is as good as it was", () =>
    expect(drawn(SAME, A, setPolicy({ requireReason: true }), deploy({ reason: "the best" }))).toEqual(["1:1"]));
});

describe("under another policy", () => {
  const LAX: WhatIfRule = { policy: { automaticDeploy: "not_worse" } };
  test("a training deploys that did not, at its own event", () => {
    const { world } = given(train("a", 0.8), train("b", 0.8));
    expect(replayed(LAX, world.log).rows[1]).toEqual({
      revision: 2n,
      recordedAt: "2026-01-01T00:00:04.000Z",
      environment: "production",
      actual: null,
      alternative: { version: 2, modelId: uuid(4), algorithm: "b", strategy: "new_score" },
      differs: true,
    });
  });
  test("a training does not deploy that did, and is not refused either", () => {
    const { world } = given(train("a", 0.8));
    expect(replayed({ policy: { automaticDeploy: "off" } }, world.log).rows).toStrictEqual([
      {
        revision: 1n,
        recordedAt: "2026-01-01T00:00:02.000Z",
        environment: "production",
        actual: { version: 1, modelId: uuid(2), algorithm: "a", strategy: "new_score", number: 1 },
        alternative: null,
        differs: true,
      },
    ]);
  });
  test.each([
    ["one training after another", [train("a", 0.8), train("b", 0.8), train("c", 0.8)], ["1:1", "-:2", "-:3"]],
    ["a deployment of the same model after it", [train("a", 0.8), train("b", 0.8), deployed(2)], ["1:1", "-:2", "2:2"]],
    ["a policy after it", [train("a", 0.8), train("b", 0.8), setPolicy({ minImprovement: 1 })], ["1:1", "-:2"]],
    ["a retirement after it", [train("a", 0.8), train("b", 0.8), retire(2), deploy()], ["1:1", "-:2", "1:1"]],
  ] as const)("it deploys also with %s", (_, history, rows) => expect(drawn(LAX, ...history)).toEqual(rows));
  test("a training that deploys elsewhere is told in both environments", () =>
    expect(drawn({ policy: { environment: "staging" } }, train("a", 0.8))).toEqual(["staging -:1", "1:-"]));
  test("what people set otherwise later is held down, and what else they set holds", () =>
    expect(
      drawn(
        { policy: { automaticDeploy: "off" } },
        setPolicy({ automaticDeploy: "not_worse", environment: "staging", requireReason: true }),
        train("a", 0.8),
        deploy({ reason: "x", environment: "staging" }),
      ),
    ).toEqual(["staging 1:-", "staging 1:1"]));
  test("by another metric another model is the best, and the scores are of that metric", () => {
    const both = (f1: number, latency: number) => shelved("a", 0, { metrics: { f1, latency } });
    const { log } = given(both(0.9, 30), both(0.8, 10), deploy()).world;
    expect(replayed({ policy: { metric: "latency", goal: "minimize" } }, log)).toMatchObject({
      metric: "latency",
      goal: "minimize",
      rows: [{ actual: { version: 1 }, alternative: { version: 2 } }],
      environments: [{ meanDifference: -20, isBetter: true }],
    });
  });
  test("scores are compared for as long as two models serve", () => {
    const { world } = given(shelved("a", 0.5), shelved("b", 0.75), deploy(), deployed(1));
    const { environments } = replayed({ strategy: "best_score" }, world.log);
    expect(environments).toMatchObject([
      { totalMs: 31 * 86_400_000 - 6_000, differsMs: 31 * 86_400_000 - 8_000, meanDifference: 0.25, isBetter: true },
    ]);
  });
  test("a freeze that was not there refuses, in words", () => {
    const { world } = given(A, deploy());
    expect(replayed({ policy: { frozen: { reason: "audit" } } }, world.log).rows).toMatchObject([
      { actual: { version: 1 }, alternative: null, differs: true, refused: { code: "PROJECT_FROZEN" } },
    ]);
    expect(replayed({ policy: { frozen: { reason: "audit" } } }, world.log).rows[0]?.refused?.message).toMatch(
      /^"Digits" is frozen: audit/,
    );
  });
  test("a freeze that was not there lets rollbacks through", () =>
    expect(
      drawn({ policy: { frozen: { reason: "audit" } } }, train("a", 0.1), A, deployed(1), deployed(2), rollBack()),
    ).toEqual(["1:-", "1:-", "2:-", "1:-"]));
  test("the metric of the task needs no goal, once the task is known", () => {
    const rule: WhatIfRule = { policy: { metric: "f1" } };
    expect(drawn(rule, A, setPolicy({ minImprovement: 1 }), deploy())).toEqual(["1:1"]);
    expect(() => drawn(rule, setPolicy({ minImprovement: 1 }), A)).toThrow(/the project has no task yet/);
  });
  test("that cannot be nothing is replayed", () => {
    const { log } = given(A).world;
    const message = 'say whether to maximize or minimize "loss" (the key metric of classification is f1)';
    expect(() => replayed({ policy: { metric: "loss" } }, log)).toThrow(
      expect.objectContaining({
        code: "INVALID_INPUT",
        message: `invalid rule: policy.goal: ${message}`,
        details: { issues: [{ path: "policy.goal", message }] },
      }),
    );
  });
  test("of the ledger the project's own is laid over it in both histories", () => {
    const { log } = given(shelved("a", 0.5), deploy()).world;
    expect(replayed(SAME, log, { metric: "recall", goal: "minimize" })).toMatchObject({
      metric: "recall",
      goal: "minimize",
      rows: [{ alternative: null, refused: { code: "NO_SCORED_MODEL" } }],
    });
  });
});
