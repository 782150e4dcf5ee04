import { describe, expect, test } from "vitest";
import { TASKS } from "../../src/events/tasks.ts";
import { A, deployed, given, retire, setPolicy, shelved, train, uuid } from "./given.ts";

/** What a training deploys at once, and why not. */

describe("a training", () => {
  test("is deployed when nothing is active", () =>
    given()
      .when(train("a", 0.1))
      .thenRecorded("deployed", /nothing was active/));
  test("is deployed when it is better", () =>
    given(train("a", 0.8))
      .when(train("b", 0.81))
      .thenRecorded("deployed", /better: f1 0.81 against 0.8/));
  test("is kept on a tie", () =>
    given(train("a", 0.8))
      .when(train("b", 0.8))
      .thenRecorded("kept", /not better/));
  test("is deployed on a tie where the policy says not_worse", () => {
    given(train("a", 0.8), setPolicy({ automaticDeploy: "not_worse" }))
      .when(train("b", 0.8))
      .thenRecorded("deployed");
    given(train("a", 0.8), setPolicy({ automaticDeploy: "not_worse" }))
      .when(train("b", 0.79))
      .thenRecorded("kept");
  });
  test("without scores on both sides is deployed", () =>
    given(train("a"))
      .when(train("b"))
      .thenRecorded("deployed", /neither/));
  test("without a score against one that has it is kept", () =>
    given(train("a", 0.1)).when(train("b")).thenRecorded("kept"));
  test("with a score against one without is deployed", () =>
    given(train("a")).when(train("b", 0.1)).thenRecorded("deployed"));
  test("is compared with what is active now, not with the best ever", () =>
    given(train("a", 0.9), shelved("b", 0.5), deployed(2)).when(train("c", 0.6)).thenRecorded("deployed"));
  test("that asks not to be deployed is not, not even the first", () =>
    given().when(shelved("a", 1)).thenRecorded("off"));
  test("is not deployed where the policy is off", () =>
    given(setPolicy({ automaticDeploy: "off" }))
      .when(train("a", 1))
      .thenRecorded("off"));
  test("of a frozen project is recorded, not deployed, and says so", () =>
    given(train("a", 0.1), setPolicy({ frozen: { reason: "audit" } }))
      .when(train("b", 0.9))
      .thenRecorded("kept", /frozen: audit/));
  test("must gain strictly more than the policy's minimum, in the decimals that people read", () => {
    const strict = given(train("a", 0.7), setPolicy({ minImprovement: 0.1 }));
    strict.when(train("b", 0.8)).thenRecorded("kept", /not by more than 0.1/);
    strict.when(train("b", 0.80001)).thenRecorded("deployed");
  });
  test("goes to the policy's environment", () =>
    given(train("a", 0.9), setPolicy({ environment: "staging" }))
      .when(train("b", 0.1))
      .thenDeployed(2, { environment: "staging" }));
  test("the first must name the task", () =>
    given()
      .when(train("a", 1, { task: undefined }))
      .thenRefused("TASK_REQUIRED"));
  test("a later one may leave the task out, and cannot change it", () => {
    given(A)
      .when(train("a", 1, { task: undefined }))
      .thenRecorded("deployed");
    given(A)
      .when(train("a", 1, { task: "regression" }))
      .thenRefused("TASK_MISMATCH", /classification project/);
  });
  test.each(Object.keys(TASKS))("knows the task %s also with hyphens", (task) => {
    const { outcome } = given().when(train("a", 1, { task: task.replaceAll("_", "-") }));
    expect(outcome).toMatchObject({ events: [{ data: { task } }, {}] });
  });
});

describe("automatic deploys", () => {
  test("compare within the policy's environment only", () => {
    const staged = given(train("a", 0.9), setPolicy({ environment: "staging" }));
    staged.when(train("b", 0.1)).thenRecorded("deployed", /nothing was active in staging/);
    given(train("a", 0.9), setPolicy({ environment: "staging" }), train("b", 0.1))
      .when(train("c", 0.2))
      .thenDeployed(3, { environment: "staging", number: 2, decision: { score: 0.2, previousScore: 0.1 } });
  });
  test("say which model they were weighed against", () =>
    given(train("a", 0.9))
      .when(train("b", 0.8))
      .thenRecorded("kept", /not better: f1 0.8 against 0.9 of version 1, which is active in production/));
  test("compare also with a retired model, while it is active", () =>
    given(train("a", 0.9), retire(1)).when(train("b", 0.8)).thenRecorded("kept"));
  test.each([
    ["better", 0.9, "deployed", "deployed"],
    ["the same", 0.8, "kept", "deployed"],
    ["worse", 0.7, "kept", "kept"],
    ["without a score", undefined, "kept", "kept"],
  ] as const)("improved and not_worse, of a model that is %s", (_, f1, improved, notWorse) => {
    given(train("a", 0.8)).when(train("b", f1)).thenRecorded(improved);
    given(train("a", 0.8), setPolicy({ automaticDeploy: "not_worse" }))
      .when(train("b", f1))
      .thenRecorded(notWorse);
    given(train("a", 0.8), setPolicy({ automaticDeploy: "off" }))
      .when(train("b", f1))
      .thenRecorded("off", /policy/);
    given(train("a", 0.8))
      .when(shelved("b", f1))
      .thenRecorded("off", /the training asked not to be/);
    given(train("a", 0.8), setPolicy({ frozen: { reason: "x" } }))
      .when(train("b", f1))
      .thenRecorded("kept", /frozen: x/);
  });
  test("minImprovement belongs to improved: not_worse takes a tie all the same", () =>
    given(train("a", 0.8), setPolicy({ automaticDeploy: "not_worse", minImprovement: 0.5 }))
      .when(train("b", 0.8))
      .thenRecorded("deployed"));
  test("minImprovement does not stand in the way of the first, nor of one against none", () => {
    given(setPolicy({ minImprovement: 0.5 }))
      .when(train("a", 0.1))
      .thenRecorded("deployed");
    given(train("a"), setPolicy({ minImprovement: 0.5 }))
      .when(train("b", 0.1))
      .thenRecorded("deployed");
  });
  test.each([
    [0.1, 0.3, 0.2, "kept"],
    [0.7, 0.8, 0.1, "kept"],
    [-0.1, 0.2, 0.3, "kept"],
    [1e21, 1e21 + 262144, 131072, "deployed"],
    [0.1, 0.30000000000000004, 0.2, "deployed"],
    [0, 5e-324, 5e-324, "kept"],
    [0, 1e308, 1e308, "kept"],
  ] as const)("from %d to %d with a minimum of %d is %s", (before, after, minImprovement, outcome) =>
    given(train("a", before), setPolicy({ minImprovement })).when(train("b", after)).thenRecorded(outcome),
  );
  test("record what was decided on", () =>
    given(train("a", 0.8))
      .when(train("b", 0.9))
      .thenDeployed(2, {
        strategy: "new_score",
        number: 2,
        replaces: { modelId: uuid(2), deploymentId: uuid(3) },
        decision: { metric: "f1", goal: "maximize", score: 0.9, previousScore: 0.8, candidates: 1 },
      }));
});
