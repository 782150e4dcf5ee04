import { describe, expect, test } from "vitest";
import { A, B, C, deployed, given, retire, rollBack, shelved, uuid } from "./given.ts";

/** What was before comes back. */

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
