import { describe, expect, test } from "vitest";
import { uuid } from "./given.ts";
import { complaintsOf, deployment, promotion, taken } from "./input.ts";

/** What a deployment may ask for, and what is said of what it may not, to the letter. */

const NOT_A_MODEL = "model: must be a version (1, 2, 3…) or a model id (UUID)";
const NOT_A_REVISION = 'expectedRevision: must be a revision (0, 1, 2…) or "no_stream"';
const NOT_AN_ENVIRONMENT =
  "must be 1 to 63 of a-z, 0-9, _ and -, beginning with a letter or digit (for example production)";

describe("a deployment", () => {
  test("asks for the best in production unless it says otherwise, without force and in earnest", () =>
    expect(deployment({})).toEqual({
      project: "Digits",
      environment: "production",
      choice: { strategy: "best_score" },
      force: false,
      dryRun: false,
    }));
  test("is taken with all that it can say", () => {
    const all = {
      algorithm: "svm",
      environment: "staging",
      force: true,
      deployedAt: "2026-05-04T10:00:00.000Z",
      commandId: "c",
      actor: "ann",
      reason: "worse",
      correlationId: "x".repeat(200),
      causationId: "y".repeat(200),
      expectedRevision: 3n,
      dryRun: true,
    };
    expect(deployment({ strategy: "most_recent", ...all })).toEqual({
      project: "Digits",
      choice: { strategy: "most_recent" },
      ...all,
    });
  });
  test.each([
    [{ strategy: "best_score" }, { strategy: "best_score" }],
    [{ strategy: "most_recent" }, { strategy: "most_recent" }],
    [{ strategy: "rollback" }, { strategy: "rollback", steps: 1 }],
    [
      { strategy: "rollback", steps: 2 },
      { strategy: "rollback", steps: 2 },
    ],
    [
      { strategy: "rollback", toNumber: 3 },
      { strategy: "rollback", toNumber: 3 },
    ],
    [
      { strategy: "specific", model: 4 },
      { strategy: "specific", model: 4 },
    ],
    [{ model: 4 }, { strategy: "specific", model: 4 }],
  ])("of %j is that choice", (given, choice) => expect(deployment(given).choice).toEqual(choice));
  test.each([
    [{ strategy: "best" }, ["strategy: must be one of best_score, most_recent, rollback, specific, new_score"]],
    [{ strategy: "new_score" }, ["strategy: new_score is recorded by trainings and cannot be asked for"]],
    [{ strategy: "specific" }, ["model: specific needs the model to deploy"]],
    [{ strategy: "best_score", model: 1 }, ["model: goes with the strategy specific, not with best_score"]],
    [{ strategy: "rollback", model: 1 }, ["model: goes with the strategy specific, not with rollback"]],
    [{ steps: 2 }, ["steps: goes with the strategy rollback only"]],
    [{ strategy: "most_recent", toNumber: 2 }, ["toNumber: goes with the strategy rollback only"]],
    [{ strategy: "rollback", steps: 1, toNumber: 2 }, ["toNumber: give steps or toNumber, not both"]],
    [{ strategy: "rollback", steps: 0 }, ["steps: must be more than 0"]],
    [{ strategy: "rollback", steps: 1.5 }, ["steps: must be a whole number, not 1.5"]],
    [{ strategy: "rollback", toNumber: 0 }, ["toNumber: must be more than 0"]],
    [{ strategy: "rollback", toNumber: "2" }, ["toNumber: must be a number, not a string"]],
    [{ algorithm: "" }, ["algorithm: must not be empty"]],
    [{ environment: "Production" }, [`environment: ${NOT_AN_ENVIRONMENT}`]],
    [{ force: 1 }, ["force: must be a boolean, not a number"]],
    [{ modle: 1 }, ["modle: is not known here"]],
    [{ commandId: " " }, ["commandId: must not be empty"]],
    [{ actor: "" }, ["actor: must not be empty"]],
    [{ reason: " " }, ["reason: must not be empty"]],
    [{ correlationId: "" }, ["correlationId: must not be empty"]],
    [{ correlationId: "x".repeat(201) }, ["correlationId: must have at most 200 characters"]],
    [{ causationId: "" }, ["causationId: must not be empty"]],
    [{ causationId: "x".repeat(201) }, ["causationId: must have at most 200 characters"]],
    [{ dryRun: "yes" }, ["dryRun: must be a boolean, not a string"]],
  ])("of %j is refused", (given, complaints) => expect(complaintsOf(() => deployment(given))).toEqual(complaints));
});

describe("a model", () => {
  test.each([
    ["its version", 3, 3],
    ["its version as text", "30", 30],
    ["a version of fifteen digits", "123456789012345", 123_456_789_012_345],
    ["its id", uuid(7), uuid(7)],
    ["its id in capitals", "ABCDEF00-0000-7000-8000-00000000000F", "abcdef00-0000-7000-8000-00000000000f"],
  ])("is named by %s", (_, model, named) => {
    expect(deployment({ model }).choice).toEqual({ strategy: "specific", model: named });
    expect(taken("RetireModel", { model })).toEqual({ project: "Digits", model: named, dryRun: false });
  });
  test.each([0, -1, 1.5, "0", "03", "3x", "x3", "1234567890123456", "v1", "", null, `${uuid(7)}0`])(
    "is not named by %j",
    (model) => expect(complaintsOf(() => deployment({ model }))).toEqual([NOT_A_MODEL]),
  );
  test("must be named where one is retired or reinstated, and nothing else may be said there", () => {
    expect(complaintsOf(() => taken("RetireModel", {}))).toEqual([NOT_A_MODEL]);
    expect(complaintsOf(() => taken("ReinstateModel", { model: 1, force: true }))).toEqual([
      "force: is not known here",
    ]);
  });
});

describe("the revision that is expected", () => {
  test.each([
    [0, 0n],
    [7, 7n],
    [0n, 0n],
    ["7", 7n],
    ["no_stream", "no_stream"],
  ])("may be %s", (given, expectedRevision) =>
    expect(deployment({ expectedRevision: given })).toMatchObject({ expectedRevision }),
  );
  test.each([-1, 1.5, "-1", "01", "1.5", "", "any", null])("may not be %j", (expectedRevision) =>
    expect(complaintsOf(() => deployment({ expectedRevision }))).toEqual([NOT_A_REVISION]),
  );
  test("may not be less than the first", () =>
    expect(complaintsOf(() => deployment({ expectedRevision: -1n }))).toEqual([
      "expectedRevision: must be at least 0",
    ]));
});

describe("a promotion", () => {
  test("names two environments", () =>
    expect(promotion({ deployedAt: "2026-05-04" })).toEqual({
      project: "Digits",
      from: "staging",
      to: "production",
      force: false,
      deployedAt: "2026-05-04T00:00:00.000Z",
      dryRun: false,
    }));
  test.each([
    [{ to: "staging" }, ["to: must be another environment than from"]],
    [{ from: undefined, to: undefined }, ["from: is required", "to: is required"]],
    [{ from: "" }, [`from: ${NOT_AN_ENVIRONMENT}`]],
    [{ model: 1 }, ["model: is not known here"]],
  ])("of %j is refused", (given, complaints) => expect(complaintsOf(() => promotion(given))).toEqual(complaints));
});
