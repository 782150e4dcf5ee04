import { describe, expect, test } from "vitest";
import { policyInForce } from "../../src/domain/policy.ts";
import {
  A,
  type Asked,
  B,
  deploy,
  deployed,
  given,
  latency,
  promote,
  retire,
  rollBack,
  setPolicy,
  shelved,
  train,
  World,
} from "./given.ts";

/** What a project's policy says, and from when on. */

describe("policy", () => {
  const merged = (...history: Asked[]) => given(...history).world.state.policy;
  test("keeps what is not named", () =>
    expect(merged(setPolicy({ minImprovement: 0.1 }), setPolicy({ requireReason: true }, { reason: "x" }))).toEqual({
      minImprovement: 0.1,
      requireReason: true,
    }));
  test("null goes back to the default", () =>
    expect(merged(setPolicy({ minImprovement: 0.1 }), setPolicy({ minImprovement: null }))).toEqual({}));
  test("another metric must bring its goal", () => {
    given(A)
      .when(setPolicy({ metric: "accuracy" }))
      .thenRefused("INVALID_INPUT", /policy.goal.*classification is f1/);
    given(A).when(setPolicy({ metric: "accuracy", goal: "maximize" }));
    given(A).when(setPolicy({ metric: "f1" }));
    given()
      .when(setPolicy({ metric: "f1" }))
      .thenRefused("INVALID_INPUT", /no task yet/);
  });
  test("a goal goes with its metric", () => {
    expect(merged(A, setPolicy({ metric: "loss", goal: "minimize" }), setPolicy({ metric: null }))).toEqual({});
    given(A)
      .when(setPolicy({ goal: "minimize" }))
      .thenRefused("INVALID_INPUT", /name policy.metric too/);
  });
  test("frozen lets only rollbacks and force through", () => {
    const frozen = given(A, B, deployed(1), deployed(2), setPolicy({ frozen: { reason: "quarter end" } }));
    frozen.when(deploy()).thenRefused("PROJECT_FROZEN", /quarter end/);
    frozen.when(promote("production", "staging")).thenRefused("PROJECT_FROZEN");
    frozen.when(rollBack()).thenDeployed(1);
    frozen.when(deploy({ force: true })).thenDeployed(2);
    frozen.when(deploy({ model: 9 })).thenRefused("PROJECT_FROZEN");
  });
  test("a freeze ends by itself", () => {
    const frozen = given(A, setPolicy({ frozen: { reason: "x", until: "2026-06-01T00:00:00Z" } }));
    frozen.when(deploy(), "2026-05-31T23:59:59.999Z").thenRefused("PROJECT_FROZEN", /until 2026-06-01/);
    frozen.when(deploy(), "2026-06-01T00:00:00.000Z").thenDeployed(1);
  });
  test("is never refused for being frozen", () =>
    expect(merged(setPolicy({ frozen: { reason: "x" } }), setPolicy({ frozen: null }))).toEqual({}));
  test("that says nothing improves, by the task's metric, in production", () =>
    expect(policyInForce({}, {}, "regression")).toEqual({
      automaticDeploy: "improved",
      minImprovement: 0,
      environment: "production",
      requireReason: false,
      frozen: null,
      metric: "r2",
      goal: "maximize",
    }));
  test("frozen: null is the default again, which the ledger itself may set", () => {
    const defaults = { frozen: { reason: "audit season" } };
    expect(policyInForce({}, defaults, null).frozen).toEqual({ reason: "audit season" });
    const own = policyInForce({ frozen: { reason: "x" } }, defaults, null);
    expect(own.frozen).toEqual({ reason: "x" });
  });
  test("wants a reason with every command but a training", () => {
    const strict = given(A, setPolicy({ requireReason: true }));
    strict.when(deploy()).thenRefused("REASON_REQUIRED");
    strict.when(deploy({ reason: "because" })).thenDeployed(1);
    strict.when(setPolicy({ requireReason: false })).thenRefused("REASON_REQUIRED");
    strict.when(train("b", 1)).thenRecorded("deployed");
  });
  test("defaults of the ledger hold where the project says nothing", () => {
    const world = new World({ automaticDeploy: "off", metric: "accuracy", goal: "maximize" });
    world.fold(world.decide(train("a", 0.9, { metrics: { f1: 0.9, accuracy: 0.1 } })));
    world.fold(world.decide(train("b", 0.1, { metrics: { f1: 0.1, accuracy: 0.9 } })));
    expect(world.events.map((event) => event.type)).toEqual(["ModelTrained", "ModelTrained"]);
    expect(world.decide(deploy())).toMatchObject({ events: [{ data: { version: 2 } }] });
  });
});

describe("the policy", () => {
  const merged = (...history: readonly Asked[]) => given(...history).world.state.policy;
  const loss = setPolicy({ metric: "loss", goal: "minimize" });
  test("may come before the first training, and leaves the task open", () => {
    const begun = given(setPolicy({ minImprovement: 0.1 }));
    begun.when(deploy()).thenRefused("NO_QUALIFIED_MODEL", /0 models/);
    begun.when(train("a", 1, { task: undefined })).thenRefused("TASK_REQUIRED");
    begun.when(train("a", 1, { task: "regression" })).thenRecorded("deployed");
  });
  test("ranks anew under another metric, goal, or the task's again", () => {
    const both = (f1: number, lossOf: number) => shelved("a", 0, { metrics: { f1, loss: lossOf } });
    const models = [both(0.9, 0.5), both(0.8, 0.1), both(0.7, 0.9)] as const;
    given(...models, loss)
      .when(deploy())
      .thenDeployed(2, { decision: { metric: "loss", score: 0.1 } });
    given(...models, loss, setPolicy({ goal: "maximize" }))
      .when(deploy())
      .thenDeployed(3);
    given(...models, loss, setPolicy({ metric: null }))
      .when(deploy())
      .thenDeployed(1);
    given(...models, loss, setPolicy({ metric: "f1" }))
      .when(deploy())
      .thenDeployed(1, { decision: { goal: "maximize" } });
    given(...models, setPolicy({ metric: "f1", goal: "minimize" }))
      .when(deploy())
      .thenDeployed(3);
  });
  test("keeps a goal with its metric, and takes neither without the other", () => {
    expect(merged(A, loss, setPolicy({ metric: "loss" }))).toEqual({ metric: "loss", goal: "minimize" });
    expect(merged(A, loss, setPolicy({ metric: null, goal: null }))).toEqual({});
    expect(merged(A, loss, setPolicy({ metric: "f1" }))).toEqual({ metric: "f1" });
    given(A, loss)
      .when(setPolicy({ metric: "mae" }))
      .thenRefused("INVALID_INPUT", /maximize or minimize "mae"/);
    given(A, loss)
      .when(setPolicy({ goal: null }))
      .thenRefused("INVALID_INPUT", /maximize or minimize "loss"/);
    given(A)
      .when(setPolicy({ metric: null, goal: "minimize" }))
      .thenRefused("INVALID_INPUT", /name policy.metric too/);
  });
  test("goes back to each default by null", () => {
    const all = {
      automaticDeploy: "off",
      minImprovement: 0.1,
      metric: "loss",
      goal: "minimize",
      environment: "staging",
      requireReason: false,
    };
    const nothing = Object.fromEntries(Object.keys(all).map((field) => [field, null]));
    expect(merged(setPolicy(all))).toEqual(all);
    expect(merged(setPolicy(all), setPolicy(nothing))).toEqual({});
  });
  test("says what was changed and what holds from here on", () => {
    const { outcome } = given(setPolicy({ minImprovement: 0.1 })).when(
      setPolicy({ environment: "staging", metric: undefined }),
    );
    expect(outcome).toMatchObject({
      events: [{ data: { changed: ["environment"], policy: { minImprovement: 0.1, environment: "staging" } } }],
    });
  });
  test("never changes what was decided before", () => {
    const history = given(
      train("a", 0.5),
      train("b", 0.4),
      setPolicy({ automaticDeploy: "not_worse", minImprovement: 0 }),
    );
    expect(history.world.state.active.environments["=production"]).toMatchObject({ version: 1, number: 1 });
    history.when(setPolicy({ environment: "staging" }));
    expect(history.world.events.filter(({ type }) => type === "ModelDeployed")).toHaveLength(1);
  });
  test("freezes by the clock: an end in the past is no freeze, also for trainings", () => {
    const until = "2026-06-01T00:00:00.000Z";
    const frozen = given(train("a", 0.5), setPolicy({ frozen: { reason: "x", until } }));
    frozen.when(train("b", 0.9), "2026-05-31T23:59:59.999Z").thenRecorded("kept", /frozen/);
    frozen.when(train("b", 0.9), until).thenRecorded("deployed");
    frozen.when(promote("production", "staging"), until).thenDeployed(1);
    given(A, setPolicy({ frozen: { reason: "x", until: "2020-01-01" } }))
      .when(deploy())
      .thenDeployed(1);
    given(A, setPolicy({ frozen: { reason: "x", until: "2026-06-01T02:00:00+02:00" } }))
      .when(deploy(), "2026-05-31T23:59:59.999Z")
      .thenRefused("PROJECT_FROZEN", /until 2026-06-01T00:00:00.000Z: x/);
  });
  test("frozen stops every strategy but rollback, in every environment", () => {
    const frozen = given(A, B, deployed(1), deployed(2), setPolicy({ frozen: { reason: "audit" } }));
    for (const strategy of ["best_score", "most_recent"])
      frozen.when(deploy({ strategy })).thenRefused("PROJECT_FROZEN");
    frozen.when(deploy({ model: 1, environment: "staging" })).thenRefused("PROJECT_FROZEN");
    frozen.when(rollBack({ toNumber: 2 })).thenDeployed(2);
    frozen.when(rollBack({ environment: "staging" })).thenRefused("NO_PREVIOUS_DEPLOYMENT");
    expect(frozen.when(retire(1)).outcome).toMatchObject({ events: [{ type: "ModelRetired" }] });
    expect(frozen.when(setPolicy({ frozen: null })).outcome).toMatchObject({ events: [{ type: "PolicySet" }] });
    given(A, setPolicy({ frozen: { reason: "x" } }), setPolicy({ frozen: null }))
      .when(deploy())
      .thenDeployed(1);
  });
  test.each([
    ["deploy", deploy()],
    ["rollback", rollBack()],
    ["promote", promote("production", "staging")],
    ["retire", { type: "RetireModel", input: { project: "Digits", model: 1 } }],
    ["reinstate", { type: "ReinstateModel", input: { project: "Digits", model: 1 } }],
    ["setPolicy", setPolicy({ minImprovement: 1 })],
  ] as const)("that wants reasons wants one with %s, before it looks for models", (_, asked) => {
    const strict = given(A, B, deployed(1), deployed(2), setPolicy({ requireReason: true }));
    strict.when(asked).thenRefused("REASON_REQUIRED", /"Digits" wants a reason/);
    expect(strict.when({ ...asked, input: { ...asked.input, reason: "because" } }).outcome).toHaveProperty("events");
  });
  test("of the ledger holds where the project set nothing, and the project's own wins", () => {
    const world = new World({ requireReason: true, minImprovement: 0.5, environment: "staging" });
    const take = (asked: Asked) => {
      const outcome = world.decide(asked);
      world.fold(outcome);
      return outcome;
    };
    expect(take(train("a", 0.1))).toMatchObject({ events: [{}, { data: { environment: "staging" } }] });
    expect(take(deploy())).toMatchObject({ refusal: { code: "REASON_REQUIRED" } });
    expect(take(setPolicy({ requireReason: false, minImprovement: 0 }, { reason: "ours" }))).toHaveProperty("events");
    expect(take(deploy())).toMatchObject({ events: [{ data: { environment: "production" } }] });
    expect(take(train("b", 0.2))).toMatchObject({ events: [{}, { data: { environment: "staging", number: 2 } }] });
    expect(take(setPolicy({ minImprovement: null }))).toHaveProperty("events");
    expect(take(train("c", 0.3))).toMatchObject({ events: [{ data: { automaticDeploy: { outcome: "kept" } } }] });
  });
  test("of the ledger that names a metric decides also what the log is not ranked by", () => {
    const world = new World({ metric: "latency", goal: "minimize" });
    const take = (asked: Asked) => {
      const outcome = world.decide(asked);
      world.fold(outcome);
      return outcome;
    };
    take(latency(30, { task: "classification", automaticDeploy: false }));
    take(latency(10, { automaticDeploy: false }));
    take(latency(10, { automaticDeploy: false, algorithm: "svm" }));
    expect(take(deploy())).toMatchObject({
      events: [{ data: { version: 2, decision: { candidates: 3, score: 10 } } }],
    });
    expect(take(deploy({ algorithm: "svm" }))).toMatchObject({ events: [{ data: { version: 3 } }] });
    take(retire(2));
    expect(take(deploy())).toMatchObject({ events: [{ data: { version: 3 } }] });
  });
});
