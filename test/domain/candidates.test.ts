import { describe, expect, test } from "vitest";
import { initialProject } from "../../projections/project.ts";
import { modelOf } from "../../src/domain/candidates.ts";
import { type Asked, deploy, given, retire, setPolicy, shelved, World } from "./given.ts";

/** Who qualifies and who wins, where the log is ranked by something else, and what a refusal says of who there is. */
const under = (defaults: ConstructorParameters<typeof World>[0], ...history: readonly Asked[]): World => {
  const world = new World(defaults);
  for (const one of history) world.fold(world.decide(one));
  return world;
};

describe("under a default metric of the ledger", () => {
  const A = shelved("linear", 0.8);
  const B = shelved("svm", 0.7);
  test("that is the task's, the other way up, the lowest wins", () =>
    expect(under({ metric: "f1", goal: "minimize" }, A, B).decide(deploy())).toMatchObject({
      events: [{ data: { version: 2, decision: { goal: "minimize", score: 0.7 } } }],
    }));
  test("that nobody has, nobody wins", () =>
    expect(under({ metric: "recall", goal: "maximize" }, A, B).decide(deploy())).toMatchObject({
      refusal: { code: "NO_SCORED_MODEL" },
    }));
  test("one without it never stands in the way of one that has it", () =>
    expect(
      under({ metric: "loss", goal: "minimize" }, A, shelved("svm", 0, { metrics: { loss: 5 } })).decide(deploy()),
    ).toMatchObject({ events: [{ data: { version: 2 } }] }));
});

describe("a refusal says who there is", () => {
  const nobody = deploy({ algorithm: "nobody" });
  test("one model is not many", () =>
    given(shelved("linear", 1))
      .when(nobody)
      .thenRefused("NO_QUALIFIED_MODEL", /in "Digits" \(1 model, algorithms: linear\)$/));
  test("no models have no algorithms", () =>
    given(setPolicy({ minImprovement: 0 }))
      .when(nobody)
      .thenRefused("NO_QUALIFIED_MODEL", /in "Digits" \(0 models\)$/));
  test("algorithms all of whose models are retired are named too", () =>
    given(shelved("linear"), shelved("svm"), shelved("knn"), retire(1), retire(2))
      .when(nobody)
      .thenRefused("NO_QUALIFIED_MODEL", /3 models, 2 of them retired, algorithms: knn, linear, svm\)$/));
  test("ten algorithms are all named", () =>
    given(...Array.from({ length: 10 }, (_, index) => shelved(`a${index}`)))
      .when(nobody)
      .thenRefused("NO_QUALIFIED_MODEL", /10 models, algorithms: a0, .*a8, a9\)$/));
});

test("a version that the fold does not hold is a fault of the program, and is named", () =>
  expect(() => modelOf(initialProject(), 3)).toThrow(new RangeError("version 3 is not in the fold")));
