import { describe, expect, test } from "vitest";
import {
  A,
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
} from "./given.ts";

/** Of several reasons to refuse, which is told (CONTRACT §10). */

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
