import { describe, expect, test } from "vitest";
import { TASKS } from "../../src/events/tasks.ts";
import { complaintsOf, training } from "./input.ts";

/** What a training may say, and what is said of what it may not, to the letter. */

const NOT_A_TIME = "trainedAt: must be a Date or an ISO 8601 time with a zone, for example 2026-05-04T10:00:00Z";
const NOT_A_TASK = `task: must be one of ${Object.keys(TASKS).join(", ")}`;

describe("a training", () => {
  test("needs little, and then has no hyperparameters, may deploy and is meant", () =>
    expect(training({})).toEqual({
      project: "Digits",
      algorithm: "svm",
      metrics: {},
      hyperparams: {},
      automaticDeploy: true,
      dryRun: false,
    }));
  test("is taken with all that it can say", () => {
    const all = {
      task: "regression",
      algorithm: "xgboost",
      metrics: { r2: 0.5 },
      hyperparams: { depth: { max: [1, null, "x"] } },
      snapshot: { relation: "public.digits", rows: 0, digest: "sha256:1" },
      artifact: { digest: "sha256:2", uri: "s3://bucket/model" },
      labels: { team: "vision", empty: "" },
      trainedAt: "2026-05-04T10:00:00.000Z",
      automaticDeploy: false,
      dryRun: true,
    };
    expect(training(all)).toEqual({ project: "Digits", ...all });
  });
  test.each([
    ["a field that nobody knows", { f1: 1, f2: 2 }, ["f1: is not known here", "f2: is not known here"]],
    ["no algorithm", { algorithm: undefined }, ["algorithm: is required"]],
    ["an algorithm without a name", { algorithm: "" }, ["algorithm: must not be empty"]],
    ["no metrics", { metrics: undefined }, ["metrics: is required"]],
    ["null for metrics", { metrics: null }, ["metrics: must be an object, not null"]],
    ["text for metrics", { metrics: "f1=1" }, ["metrics: must be an object, not a string"]],
    ["a list of metrics", { metrics: [0.5] }, ["metrics: must be an object, not a list"]],
    ["a metric that is text", { metrics: { f1: "1" } }, ["metrics.f1: must be a number, not a string"]],
    ["a metric that is no number", { metrics: { f1: Number.NaN } }, ["metrics.f1: must be a number, not NaN"]],
    ["a metric without a name", { metrics: { "": 1 } }, ["metrics.: has a bad name: a metric needs a name"]],
    [
      "a metric that is named by a symbol",
      { metrics: { [Symbol("f1")]: 1 } },
      ["metrics.Symbol(f1): has a bad name: must be a string, not a symbol"],
    ],
    [
      "a metric called __proto__",
      { metrics: JSON.parse('{ "__proto__": 1 }') },
      ['metrics: must not hold the name "__proto__"'],
    ],
    [
      "a label called __proto__",
      { labels: JSON.parse('{ "__proto__": "x" }') },
      ['labels: must not hold the name "__proto__"'],
    ],
    ["null for labels", { labels: null }, ["labels: must be an object, not null"]],
    ["a label that is no text", { labels: { a: 1 } }, ["labels.a: must be a string, not a number"]],
    ["a list of hyperparameters", { hyperparams: [] }, ["hyperparams: must be a JSON object"]],
    ["a hyperparameter that is no JSON", { hyperparams: { a: 1n } }, ["hyperparams.a: must be JSON, not bigint"]],
    ["a snapshot of nothing", { snapshot: {} }, ["snapshot.relation: is required"]],
    ["a snapshot without a name", { snapshot: { relation: "" } }, ["snapshot.relation: must not be empty"]],
    [
      "a snapshot of less than no rows",
      { snapshot: { relation: "r", rows: -1 } },
      ["snapshot.rows: must be at least 0"],
    ],
    [
      "a snapshot of half a row",
      { snapshot: { relation: "r", rows: 0.5 } },
      ["snapshot.rows: must be a whole number, not 0.5"],
    ],
    [
      "a snapshot of more rows than can be counted",
      { snapshot: { relation: "r", rows: 2 ** 53 } },
      ["snapshot.rows: must be at most 9007199254740991"],
    ],
    [
      "a snapshot with an empty digest",
      { snapshot: { relation: "r", digest: "" } },
      ["snapshot.digest: must not be empty"],
    ],
    ["a snapshot that says more", { snapshot: { relation: "r", by: "me" } }, ["snapshot.by: is not known here"]],
    ["an artifact that is nowhere", { artifact: {} }, ["artifact.uri: is required"]],
    ["an artifact with an empty URI", { artifact: { uri: "" } }, ["artifact.uri: must not be empty"]],
    [
      "an artifact with an empty digest",
      { artifact: { uri: "u", digest: "" } },
      ["artifact.digest: must not be empty"],
    ],
    ["an artifact that says more", { artifact: { uri: "u", md5: "x" } }, ["artifact.md5: is not known here"]],
    ["neither yes nor no", { automaticDeploy: "no" }, ["automaticDeploy: must be a boolean, not a string"]],
  ])("with %s is refused", (_, more, complaints) => expect(complaintsOf(() => training(more))).toEqual(complaints));
});

describe("a task", () => {
  test.each(["text-pair-classification", "text_pair_classification", "  text-pair_classification "])(
    "is known as %j",
    (task) => expect(training({ task })).toMatchObject({ task: "text_pair_classification" }),
  );
  test.each(["", "classify", "Regression", "text pair classification", "toString"])("is not known as %j", (task) =>
    expect(complaintsOf(() => training({ task }))).toEqual([NOT_A_TASK]),
  );
  test("is named by text", () =>
    expect(complaintsOf(() => training({ task: 3 }))).toEqual(["task: must be a string, not a number"]));
});

describe("metrics", () => {
  test("are kept in the order of their names, and zero has no sign", () => {
    const { metrics } = training({ metrics: { c: -0, a: 1, d: -2, b: 3 } }) as { metrics: Record<string, number> };
    expect(Object.entries(metrics)).toEqual([
      ["a", 1],
      ["b", 3],
      ["c", 0],
      ["d", -2],
    ]);
  });
});

test("hyperparameters are kept as they were when they were given", () => {
  const hyperparams = { inner: { depth: 3 } };
  const command = training({ hyperparams });
  hyperparams.inner.depth = 4;
  expect(command).toMatchObject({ hyperparams: { inner: { depth: 3 } } });
});

describe("a time", () => {
  test.each([
    ["a day", "2026-05-04", "2026-05-04T00:00:00.000Z"],
    ["text with a zone", "2026-05-04T10:00:00+02:00", "2026-05-04T08:00:00.000Z"],
    ["text in UTC", "2026-05-04T10:00:00.5Z", "2026-05-04T10:00:00.500Z"],
    ["a Date", new Date(5), "1970-01-01T00:00:00.005Z"],
    ["the first of all", "0000-01-01", "0000-01-01T00:00:00.000Z"],
  ])("may be %s", (_, given, trainedAt) => expect(training({ trainedAt: given })).toMatchObject({ trainedAt }));
  test.each([
    ["a word", "yesterday"],
    ["text without a zone", "2026-05-04T10:00:00"],
    ["a day that is in no calendar", "2026-02-30"],
    ["a number", 1_700_000_000],
    ["null", null],
    ["a Date of no time", new Date("x")],
  ])("may not be %s", (_, trainedAt) => expect(complaintsOf(() => training({ trainedAt }))).toEqual([NOT_A_TIME]));
  test("lies within the years that four digits tell", () =>
    expect(complaintsOf(() => training({ trainedAt: new Date(8.64e15) }))).toEqual([
      "trainedAt: must lie in the years 0000 to 9999",
    ]));
});
