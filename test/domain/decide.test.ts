import { describe, expect, test } from "vitest";
import { policyInForce } from "../../src/domain/policy.ts";
import { TASKS } from "../../src/events/tasks.ts";
import {
  type Asked,
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
  World,
} from "./given.ts";

const A = shelved("linear", 0.8);
const B = shelved("svm", 0.9);
const C = shelved("knn", 0.7);

describe("best_score", () => {
  test("deploys the best of all", () => given(A, B, C).when(deploy()).thenDeployed(2, { strategy: "best_score" }));
  test("is what is meant when no strategy is named", () => given(A).when(deploy()).thenDeployed(1));
  test("compares numbers, not text", () =>
    given(shelved("a", 9), shelved("b", 10), shelved("c", 1e-7)).when(deploy()).thenDeployed(2));
  test("among equals takes the one trained first", () =>
    given(shelved("a", 0.5), shelved("b", 0.9), shelved("c", 0.9)).when(deploy()).thenDeployed(2));
  test("looks only at the algorithm asked for", () =>
    given(A, B, C)
      .when(deploy({ algorithm: "knn" }))
      .thenDeployed(3, { algorithmFilter: "knn" }));
  test("prefers any score to none", () => given(shelved("a"), shelved("b", -5)).when(deploy()).thenDeployed(2));
  test("with no score at all cannot tell", () =>
    given(shelved("a"), shelved("b"))
      .when(deploy())
      .thenRefused("NO_SCORED_MODEL", /f1.*2 models, algorithms: a, b/));
  test("with no model of that algorithm says what there is", () =>
    given(A, B)
      .when(deploy({ algorithm: "tree" }))
      .thenRefused("NO_QUALIFIED_MODEL", /"tree".*2 models.*linear, svm/));
  test("passes over the retired", () => given(A, B, retire(2)).when(deploy()).thenDeployed(1));
  test("with all retired finds nobody", () =>
    given(A, retire(1))
      .when(deploy())
      .thenRefused("NO_QUALIFIED_MODEL", /1 of them retired/));
  test("sees the reinstated again", () => given(A, B, retire(2), reinstate(2)).when(deploy()).thenDeployed(2));
  test("a reinstated equal that was trained first wins again", () =>
    given(shelved("a", 0.9), shelved("b", 0.9), retire(1), reinstate(1)).when(deploy()).thenDeployed(1));
  test("lower is better where the task says so", () =>
    given(
      shelved("a", 0, { task: "text-generation", metrics: { perplexity: 30 } }),
      shelved("b", 0, { task: "text_generation", metrics: { perplexity: 7 } }),
    )
      .when(deploy())
      .thenDeployed(2, {
        decision: { metric: "perplexity", goal: "minimize", score: 7, previousScore: null, candidates: 2 },
      }));
  test("goes by the policy's metric", () =>
    given(
      shelved("a", 0.9, { metrics: { f1: 0.9, latency: 12 } }),
      shelved("b", 0.8, { metrics: { f1: 0.8, latency: 3 } }),
      setPolicy({ metric: "latency", goal: "minimize" }),
    )
      .when(deploy())
      .thenDeployed(2));
  test("an embedding project cannot compare before a policy names a metric", () =>
    given(shelved("a", 0, { task: "embedding", metrics: { ndcg: 1 } }))
      .when(deploy())
      .thenRefused("NO_SCORED_MODEL", /embedding has no key metric/));
  test.each(["__proto__", "constructor", "toString", "hasOwnProperty"])(
    "takes the algorithm name %s as a name",
    (name) =>
      given(A, shelved(name, 0.1))
        .when(deploy({ algorithm: name }))
        .thenDeployed(2),
  );
  test("does not find an algorithm that is a word of the language", () =>
    given(A)
      .when(deploy({ algorithm: "constructor" }))
      .thenRefused("NO_QUALIFIED_MODEL"));
});

describe("most_recent", () => {
  const newest = deploy({ strategy: "most_recent" });
  test("deploys the one trained last, whatever its score", () => given(B, A, C).when(newest).thenDeployed(3));
  test("passes over the retired", () => given(A, B, retire(2)).when(newest).thenDeployed(1));
  test("of the algorithm asked for", () =>
    given(A, B, C)
      .when(deploy({ strategy: "most_recent", algorithm: "linear" }))
      .thenDeployed(1));
  test("with nobody left says so", () => given(A, retire(1)).when(newest).thenRefused("NO_QUALIFIED_MODEL"));
});

describe("rollback", () => {
  const three = [A, B, C] as const;
  test("returns to the one before", () =>
    given(...three, deployed(1), deployed(2))
      .when(rollBack())
      .thenDeployedReplaying(1, 1));
  test("twice returns to where you were", () =>
    given(...three, deployed(1), deployed(2), rollBack())
      .when(rollBack())
      .thenDeployed(2));
  test("A, B, B then back gives A", () =>
    given(...three, deployed(1), deployed(2), deployed(2))
      .when(rollBack())
      .thenDeployed(1));
  test("with one model only has nowhere to go", () =>
    given(A, deployed(1), deployed(1))
      .when(rollBack())
      .thenRefused("NO_PREVIOUS_DEPLOYMENT", /active version 1/));
  test("with nothing deployed has nowhere to go", () =>
    given(A).when(rollBack()).thenRefused("NO_PREVIOUS_DEPLOYMENT"));
  test("the filter looks at the candidates, never at the active model", () =>
    given(...three, deployed(1), deployed(3), deployed(2))
      .when(rollBack({ algorithm: "linear" }))
      .thenDeployed(1));
  test("the filter never gives the active model itself", () =>
    given(...three, deployed(1), deployed(2))
      .when(rollBack({ algorithm: "svm" }))
      .thenRefused("NO_PREVIOUS_DEPLOYMENT"));
  test("passes over the retired", () =>
    given(...three, deployed(1), deployed(2), deployed(3), retire(2))
      .when(rollBack())
      .thenDeployed(1));
  test("goes several models back, each counted once by its latest deployment", () =>
    given(...three, deployed(1), deployed(2), deployed(1), deployed(3))
      .when(rollBack({ steps: 2 }))
      .thenDeployedReplaying(2, 2));
  test("goes no further than there are models", () =>
    given(...three, deployed(1), deployed(2))
      .when(rollBack({ steps: 2 }))
      .thenRefused("NO_PREVIOUS_DEPLOYMENT", /2 steps/));
  test("goes to exactly the deployment named", () =>
    given(...three, deployed(1), deployed(2), deployed(1))
      .when(rollBack({ toNumber: 1 }))
      .thenDeployedReplaying(1, 1));
  test("may name the active deployment itself", () =>
    given(A, deployed(1))
      .when(rollBack({ toNumber: 1 }))
      .thenDeployed(1));
  test("to a number that is not there", () =>
    given(A, deployed(1))
      .when(rollBack({ toNumber: 2 }))
      .thenRefused("DEPLOYMENT_NOT_FOUND", /1 to 1/));
  test("to the number of a retired model needs force", () => {
    const history = given(A, B, deployed(1), deployed(2), retire(1));
    history.when(rollBack({ toNumber: 1 })).thenRefused("MODEL_RETIRED");
    history.when(rollBack({ toNumber: 1, force: true })).thenDeployed(1);
  });
  test("knows each environment apart", () =>
    given(...three, deployed(1), deployed(2), deployed(3, { environment: "staging" }))
      .when(rollBack({ environment: "staging" }))
      .thenRefused("NO_PREVIOUS_DEPLOYMENT"));
});

describe("specific and promote", () => {
  test("deploys by version or by id", () => {
    given(A, B)
      .when(deploy({ model: 1 }))
      .thenDeployed(1, { strategy: "specific" });
    given(A, B)
      .when(deploy({ model: uuid(4) }))
      .thenDeployed(2);
    given(A, B)
      .when(deploy({ model: "2" }))
      .thenDeployed(2);
  });
  test("a model that is not there", () => {
    given(A)
      .when(deploy({ model: 2 }))
      .thenRefused("MODEL_NOT_FOUND", /versions are 1 to 1/);
    given(A)
      .when(deploy({ model: 2, force: true }))
      .thenRefused("MODEL_NOT_FOUND");
  });
  test("a retired one needs force", () => {
    given(A, retire(1))
      .when(deploy({ model: 1 }))
      .thenRefused("MODEL_RETIRED");
    given(A, retire(1))
      .when(deploy({ model: 1, force: true }))
      .thenDeployed(1, { forced: true });
  });
  test("deploying what is active is a deployment all the same", () =>
    given(A, deployed(1))
      .when(deploy({ model: 1 }))
      .thenDeployed(1, { number: 2, replaces: { modelId: uuid(2), deploymentId: uuid(5) } }));
  test("promotes what is active elsewhere", () =>
    given(A, B, deployed(2, { environment: "staging" }))
      .when(promote("staging", "production"))
      .thenDeployed(2, { environment: "production", strategy: "specific", promotedFrom: "staging", number: 1 }));
  test("promotes nothing from an empty environment", () =>
    given(A).when(promote("staging", "production")).thenRefused("NO_ACTIVE_MODEL"));
  test("promotes a retired model with force only", () => {
    const history = given(A, deployed(1, { environment: "constructor" }), retire(1));
    history.when(promote("constructor", "production")).thenRefused("MODEL_RETIRED");
    history.when(promote("constructor", "production", { force: true })).thenDeployed(1);
  });
});

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

describe("retirement", () => {
  test("does not take the model down, and says where it serves on", () => {
    const { outcome } = given(train("a", 1)).when(retire(1));
    expect(outcome).toMatchObject({ events: [{ type: "ModelRetired", data: { activeIn: ["production"] } }] });
  });
  test("twice is refused", () =>
    given(A, retire(1))
      .when(retire(1))
      .thenRefused("MODEL_RETIRED", /already/));
  test("undone twice changes nothing", () => given(A).when(reinstate(1)).thenNothing());
  test("of nobody", () => given(A).when(retire(7)).thenRefused("MODEL_NOT_FOUND"));
});

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

describe("the order of refusals", () => {
  test("project, lost race, freeze, model", () => {
    given()
      .when(deploy({ model: 1, expectedRevision: 5 }))
      .thenRefused("PROJECT_NOT_FOUND");
    const frozen = given(A, deployed(1), setPolicy({ frozen: { reason: "x" } }));
    frozen.when(deploy({ model: 9, expectedRevision: 0 })).thenRefused("CONFLICT", /number 1 in production: version 1/);
    frozen.when(deploy({ model: 9, expectedRevision: 2 })).thenRefused("PROJECT_FROZEN");
    frozen.when(deploy({ model: 9, force: true })).thenRefused("MODEL_NOT_FOUND");
  });
  test("no_stream expects that there is no project yet", () => {
    given()
      .when(train("a", 1, { expectedRevision: "no_stream" }))
      .thenRecorded("deployed");
    given(A)
      .when(train("a", 1, { expectedRevision: "no_stream" }))
      .thenRefused("CONFLICT");
    expect(P).toBe("Digits");
  });
});
