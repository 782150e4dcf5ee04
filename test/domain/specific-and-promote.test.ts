import { describe, expect, test } from "vitest";
import { A, B, deploy, deployed, given, promote, retire, rollBack, setPolicy, uuid } from "./given.ts";

/** The model that was named, or that serves elsewhere. */

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
