import { describe, expect, test } from "vitest";
import { A, B, deploy, deployed, given, reinstate, retire, rollBack, train, uuid } from "./given.ts";

/** A model that is out of the running. */

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
