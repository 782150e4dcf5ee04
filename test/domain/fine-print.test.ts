import { describe, expect, test } from "vitest";
import { TASKS } from "../../src/events/tasks.ts";
import {
  type Asked,
  deploy,
  deployed,
  given,
  promote,
  reinstate,
  retire,
  rollBack,
  setPolicy,
  shelved,
  train,
  uuid,
  World,
} from "./given.ts";

/** The corners of CONTRACT §3, §4, §5 and §10; the plain rules are in decide.test.ts. */
const A = shelved("linear", 0.8);
const B = shelved("svm", 0.9);
const C = shelved("knn", 0.7);
const latency = (milliseconds: number, more: object = {}) =>
  train("tree", 0, { metrics: { latency: milliseconds }, ...more });

describe("key metrics", () => {
  test.each(Object.entries(TASKS).filter(([task]) => task !== "embedding"))(
    "%s goes by its own metric, in its own direction",
    (task, { metric, goal }) => {
      const [low, high] = [1, 2].map((score) =>
        shelved("a", 0, { task, metrics: { [metric ?? ""]: score, other: 9 } }),
      );
      if (!low || !high) throw new Error("two trainings");
      given(low, high)
        .when(deploy())
        .thenDeployed(goal === "maximize" ? 2 : 1, { decision: { metric, goal, candidates: 2 } });
      given(high, low)
        .when(deploy())
        .thenDeployed(goal === "maximize" ? 1 : 2);
    },
  );
  test("the table is the contract's", () =>
    expect(Object.entries(TASKS).map(([task, { metric, goal }]) => `${task} ${metric} ${goal}`)).toEqual([
      "regression r2 maximize",
      "classification f1 maximize",
      "text_classification f1 maximize",
      "text_pair_classification f1 maximize",
      "question_answering f1 maximize",
      "clustering silhouette maximize",
      "decomposition cumulative_explained_variance maximize",
      "summarization rouge_ngram_f1 maximize",
      "translation bleu maximize",
      "conversation bleu maximize",
      "text_generation perplexity minimize",
      "text2text perplexity minimize",
      "embedding null maximize",
    ]));
  test("among equals the one trained first wins, also where lower is better", () => {
    const at = (perplexity: number) => shelved("a", 0, { task: "text2text", metrics: { perplexity } });
    given(at(9), at(3), at(3)).when(deploy()).thenDeployed(2);
  });
  test("a lower perplexity is an improvement, a higher one and a tie are not", () => {
    const at = (perplexity: number) => train("a", 0, { task: "text-generation", metrics: { perplexity } });
    given(at(20))
      .when(at(19.9))
      .thenRecorded("deployed", /better: perplexity 19.9 against 20/);
    given(at(20)).when(at(20)).thenRecorded("kept");
    given(at(20)).when(at(20.1)).thenRecorded("kept");
    const lenient = given(at(20), setPolicy({ automaticDeploy: "not_worse" }));
    lenient.when(at(20)).thenRecorded("deployed");
    lenient.when(at(20.1)).thenRecorded("kept", /worse/);
    const strict = given(at(0.8), setPolicy({ minImprovement: 0.1 }));
    strict.when(at(0.7)).thenRecorded("kept", /better, but not by more than 0.1/);
    strict.when(at(0.6999)).thenRecorded("deployed");
  });
  test("an embedding project deploys what it cannot compare, until a policy names a metric", () => {
    const ndcg = (score: number) => train("a", 0, { task: "embedding", metrics: { ndcg: score } });
    given(ndcg(1))
      .when(ndcg(0.5))
      .thenRecorded("deployed", /neither this model nor version 1.*key metric/);
    const named = given(ndcg(1), setPolicy({ metric: "ndcg", goal: "maximize" }));
    named.when(ndcg(0.5)).thenRecorded("kept");
    named.when(ndcg(1.5)).thenRecorded("deployed");
    named.when(deploy()).thenDeployed(1);
    given(ndcg(1))
      .when(setPolicy({ metric: "ndcg" }))
      .thenRefused("INVALID_INPUT", /policy.goal: say whether to maximize or minimize "ndcg"/);
  });
  test("a metric whose name is a word of the language is looked up, not inherited", () => {
    given(A, B, setPolicy({ metric: "constructor", goal: "maximize" }))
      .when(deploy())
      .thenRefused("NO_SCORED_MODEL", /no model has the key metric constructor/);
    given(A, shelved("svm", 0, { metrics: { constructor: 1 } }), setPolicy({ metric: "constructor", goal: "minimize" }))
      .when(deploy())
      .thenDeployed(2, { decision: { score: 1 } });
  });
});

describe("the algorithm filter", () => {
  test("of an algorithm without scores cannot tell, though others have them", () =>
    given(A, shelved("svm"), shelved("svm"))
      .when(deploy({ algorithm: "svm" }))
      .thenRefused(
        "NO_SCORED_MODEL",
        /no model of algorithm "svm" has the key metric f1 \(3 models, algorithms: linear, svm\)/,
      ));
  test("of an algorithm whose models are all retired finds nobody", () =>
    given(A, B, retire(2))
      .when(deploy({ algorithm: "svm" }))
      .thenRefused("NO_QUALIFIED_MODEL", /of algorithm "svm" qualifies in "Digits" \(2 models, 1 of them retired/));
  test("names most_recent's missing algorithm too", () =>
    given(A)
      .when(deploy({ strategy: "most_recent", algorithm: "svm" }))
      .thenRefused("NO_QUALIFIED_MODEL", /of algorithm "svm".*algorithms: linear/));
  test("breaks ties and follows retirement within the algorithm", () => {
    const equals = [shelved("svm", 0.5), shelved("knn", 0.9), shelved("svm", 0.5), shelved("svm", 0.4)] as const;
    given(...equals)
      .when(deploy({ algorithm: "svm" }))
      .thenDeployed(1, { decision: { candidates: 3 } });
    given(...equals, retire(1))
      .when(deploy({ algorithm: "svm" }))
      .thenDeployed(3, { decision: { candidates: 2 } });
    given(...equals, retire(1), retire(3))
      .when(deploy({ algorithm: "svm" }))
      .thenDeployed(4);
    given(...equals, retire(1), retire(3), reinstate(1))
      .when(deploy({ algorithm: "svm" }))
      .thenDeployed(1);
  });
  test("of a named model must be its algorithm", () => {
    given(A, B)
      .when(deploy({ model: 2, algorithm: "svm" }))
      .thenDeployed(2, { algorithmFilter: "svm" });
    given(A, B)
      .when(deploy({ model: 2, algorithm: "linear" }))
      .thenRefused("MODEL_NOT_FOUND", /version 2 of "Digits" is of algorithm "svm", not "linear"/);
  });
  test("is case-sensitive, and takes any non-empty name", () => {
    given(A, shelved("Linear", 0.1))
      .when(deploy({ algorithm: "Linear" }))
      .thenDeployed(2);
    given(shelved(" ", 0.1))
      .when(deploy({ algorithm: " " }))
      .thenDeployed(1);
    given(shelved("=svm", 0.1), B)
      .when(deploy({ algorithm: "=svm" }))
      .thenDeployed(1);
  });
});

describe("rolling back", () => {
  const four = [A, B, C, shelved("svm", 0.1)] as const;
  test("by steps counts only those that qualify", () => {
    const history = given(...four, deployed(1), deployed(2), deployed(3), deployed(4), retire(3));
    history.when(rollBack()).thenDeployedReplaying(2, 2);
    history.when(rollBack({ steps: 2 })).thenDeployedReplaying(1, 1);
    history
      .when(rollBack({ steps: 3 }))
      .thenRefused("NO_PREVIOUS_DEPLOYMENT", /2 qualified models can be gone back to/);
    history.when(rollBack({ algorithm: "svm" })).thenDeployedReplaying(2, 2);
    history
      .when(rollBack({ algorithm: "svm", steps: 2 }))
      .thenRefused("NO_PREVIOUS_DEPLOYMENT", /1 qualified model of/);
    history.when(rollBack({ algorithm: "knn" })).thenRefused("NO_PREVIOUS_DEPLOYMENT", /0 qualified models of/);
  });
  test("never by force to a retired model, but to exactly its number", () => {
    const history = given(A, B, deployed(1), deployed(2), retire(1));
    history.when(rollBack({ force: true })).thenRefused("NO_PREVIOUS_DEPLOYMENT");
    history.when(rollBack({ toNumber: 1 })).thenRefused("MODEL_RETIRED", /version 1/);
    history.when(rollBack({ toNumber: 1, force: true })).thenDeployed(1, { forced: true, replays: expect.any(String) });
  });
  test("leaves a retired active model like any other, and does not return to it", () => {
    given(A, B, deployed(1), deployed(2), retire(2))
      .when(rollBack())
      .thenDeployed(1, { decision: { candidates: 1 } });
    given(A, B, deployed(1), deployed(2), retire(2), rollBack())
      .when(rollBack())
      .thenRefused("NO_PREVIOUS_DEPLOYMENT", /0 qualified models/);
  });
  test("replays the latest deployment of the model, whoever made it", () =>
    given(...four, deployed(1), deployed(2), deployed(1), deployed(2), deployed(3))
      .when(rollBack({ steps: 2 }))
      .thenDeployedReplaying(1, 3));
  test("to a number takes the filter at its word", () =>
    given(...four, deployed(1), deployed(2))
      .when(rollBack({ toNumber: 1, algorithm: "svm" }))
      .thenRefused("NO_PREVIOUS_DEPLOYMENT", /deployment 1 in production.*of algorithm "linear", not "svm"/));
  test("to a number counts the environment's own", () => {
    const history = given(A, B, deployed(1), deployed(2, { environment: "constructor" }));
    history.when(rollBack({ environment: "constructor", toNumber: 1 })).thenDeployed(2, { number: 2 });
    history.when(rollBack({ environment: "constructor", toNumber: 2 })).thenRefused("DEPLOYMENT_NOT_FOUND", /1 to 1/);
    history.when(rollBack({ environment: "staging", toNumber: 1 })).thenRefused("DEPLOYMENT_NOT_FOUND", /nothing was/);
    history
      .when(rollBack({ environment: "staging" }))
      .thenRefused("NO_PREVIOUS_DEPLOYMENT", /nothing was ever deployed in staging of "Digits"/);
  });
  test("records what it went from and to", () =>
    given(A, B, deployed(1), deployed(2))
      .when(rollBack())
      .thenDeployed(1, {
        strategy: "rollback",
        number: 3,
        replaces: { modelId: uuid(4), deploymentId: uuid(9) },
        replays: uuid(7),
        decision: { metric: "f1", goal: "maximize", score: 0.8, previousScore: 0.9, candidates: 1 },
      }));
});

describe("promotion", () => {
  test("weighs nothing: a worse model is promoted like a better one", () =>
    given(A, B, deployed(2), deployed(1, { environment: "staging" }))
      .when(promote("staging", "production"))
      .thenDeployed(1, { number: 2, decision: { score: 0.8, previousScore: 0.9, candidates: 1 } }));
  test("leaves the environment that it came from as it was, and can be rolled back", () => {
    const history = given(A, B, deployed(1), deployed(2, { environment: "staging" }), promote("staging", "production"));
    history.when(rollBack()).thenDeployedReplaying(1, 1);
    expect(history.world.state.active.environments["=staging"]).toMatchObject({ version: 2, number: 1 });
  });
  test("names the environment where nothing is active", () =>
    given(A, deployed(1))
      .when(promote("staging", "production"))
      .thenRefused("NO_ACTIVE_MODEL", /nothing is active in staging/));
  test("by force passes retirement and freeze, never a missing model", () => {
    const history = given(
      A,
      deployed(1, { environment: "staging" }),
      retire(1),
      setPolicy({ frozen: { reason: "x" } }),
    );
    history.when(promote("staging", "production")).thenRefused("PROJECT_FROZEN");
    history.when(promote("staging", "production", { force: true })).thenDeployed(1, { forced: true });
    history.when(promote("nowhere", "production", { force: true })).thenRefused("NO_ACTIVE_MODEL");
    history.when(deploy({ model: 2, force: true })).thenRefused("MODEL_NOT_FOUND");
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

describe("refusals", () => {
  const ghost = (asked: Asked): Asked => ({ ...asked, input: { ...asked.input, expectedRevision: 3, reason: "x" } });
  test.each([
    ["deploy", deploy({ model: 7 })],
    ["rollback", rollBack()],
    ["promote", promote("a", "b")],
    ["retire", retire(1)],
    ["reinstate", reinstate(1)],
  ] as const)("%s of nothing is PROJECT_NOT_FOUND before anything else", (_, asked) =>
    given()
      .when(ghost(asked))
      .thenRefused("PROJECT_NOT_FOUND", /"Digits"/),
  );
  test("come in the contract's order: lost race, reason, freeze, then model", () => {
    const history = given(A, setPolicy({ requireReason: true, frozen: { reason: "audit" } }));
    const asked = deploy({ model: 9 });
    const more = (fields: object): Asked => ({ ...asked, input: { ...asked.input, ...fields } });
    history.when(more({ expectedRevision: 0 })).thenRefused("CONFLICT", /expected at revision 0, but it is at 1/);
    history.when(more({ expectedRevision: 1 })).thenRefused("REASON_REQUIRED");
    history.when(more({ reason: "x" })).thenRefused("PROJECT_FROZEN", /frozen: audit/);
    history.when(more({ reason: "x", force: true })).thenRefused("MODEL_NOT_FOUND", /no model 9 in "Digits"/);
  });
  test("a training's come in that order too: lost race before task", () => {
    given(A)
      .when(train("a", 1, { task: "regression", expectedRevision: 9 }))
      .thenRefused("CONFLICT");
    given()
      .when(train("a", 1, { task: undefined, expectedRevision: 9 }))
      .thenRefused("CONFLICT", /there is none yet/);
    given()
      .when(train("a", 1, { task: undefined }))
      .thenRefused("TASK_REQUIRED", /"Digits" must name its task/);
  });
  test("name the model that is not there, by whatever it was called", () => {
    given(A)
      .when(retire(2))
      .thenRefused("MODEL_NOT_FOUND", /no model 2 in "Digits": its versions are 1 to 1/);
    given(setPolicy({ minImprovement: 1 }))
      .when(deploy({ model: 1 }))
      .thenRefused("MODEL_NOT_FOUND", /no models yet/);
    given(A)
      .when(deploy({ model: uuid(99) }))
      .thenRefused("MODEL_NOT_FOUND", new RegExp(uuid(99)));
    given(A).when(reinstate(5)).thenRefused("MODEL_NOT_FOUND");
  });
  test("cut long lists of algorithms", () =>
    given(...Array.from({ length: 12 }, (_, index) => shelved(`a${index}`)))
      .when(deploy({ algorithm: "b" }))
      .thenRefused("NO_QUALIFIED_MODEL", /a9, … \(12 in all\)/));
});

describe("retirement", () => {
  test("by id is the same as by version", () => {
    const { outcome } = given(A, B).when({ type: "RetireModel", input: { project: "Digits", model: uuid(4) } });
    expect(outcome).toMatchObject({ events: [{ data: { version: 2, modelId: uuid(4), activeIn: [] } }] });
  });
  test("lists every environment that goes on serving the model", () => {
    const { outcome } = given(
      A,
      B,
      deployed(1),
      deployed(1, { environment: "staging" }),
      deployed(2, { environment: "test" }),
    ).when(retire(1));
    expect(outcome).toMatchObject({ events: [{ data: { activeIn: ["production", "staging"] } }] });
  });
  test("takes the model out of most_recent, best_score, rollback and their counts", () => {
    const history = given(A, B, deployed(2), deployed(1), retire(2));
    history.when(deploy()).thenDeployed(1, { decision: { candidates: 1 } });
    history.when(deploy({ strategy: "most_recent" })).thenDeployed(1);
    history.when(rollBack()).thenRefused("NO_PREVIOUS_DEPLOYMENT");
    history.when(deploy({ model: 2 })).thenRefused("MODEL_RETIRED", /version 2/);
    history.when(deploy({ model: 2, force: true })).thenDeployed(2, { forced: true });
  });
  test("no force lets best_score or most_recent find a retired model", () => {
    given(A, retire(1))
      .when(deploy({ force: true }))
      .thenRefused("NO_QUALIFIED_MODEL");
    given(A, retire(1))
      .when(deploy({ strategy: "most_recent", force: true }))
      .thenRefused("NO_QUALIFIED_MODEL");
  });
  test("a forced deployment of one that is not retired is not marked so", () => {
    const { outcome } = given(A).when(deploy({ model: 1, force: true }));
    expect(outcome).not.toHaveProperty("events[0].data.forced");
  });
});
