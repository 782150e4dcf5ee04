import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { LedgerError, openLedger } from "../../src/index.ts";
import type { Ledger } from "../../src/open-ledger.ts";

/** Whatever is wrong is one clear INVALID_INPUT that names the field, and the log stays as it was. */
const P = "Digits";
let ledger: Ledger;
beforeAll(async () => {
  ledger = await openLedger("memory:");
  await ledger.recordTraining({ project: P, task: "classification", algorithm: "svm", metrics: { f1: 0.9 } });
});
afterAll(() => ledger.close());

const cyclic: Record<string, unknown> = {};
cyclic.self = cyclic;
const deep = JSON.parse(`${'{"a":'.repeat(200)}1${"}".repeat(200)}`) as object;
const lone = "\ud800";

const train = (more: object) => ({ project: P, algorithm: "svm", metrics: { f1: 1 }, ...more });
/** Method, input, and what the message must name. */
type Case = readonly [method: keyof Ledger, input: unknown, names: RegExp];

const NOT_OBJECTS = [undefined, null, 3, "x", [], true, Symbol("s"), 3n, () => 1] as const;
const COMMANDS = [
  "recordTraining",
  "deploy",
  "rollback",
  "promote",
  "retireModel",
  "reinstateModel",
  "setPolicy",
] as const;

const notObjects: Case[] = COMMANDS.flatMap((method) =>
  NOT_OBJECTS.map((input): Case => [method, input, /object|project|required/]),
);

const badProjects: Case[] = [
  "",
  "   ",
  5,
  null,
  undefined,
  {},
  "a\nb",
  "a\u0000b",
  "\u0085x",
  lone,
  "x".repeat(201),
  ["P"],
].map((project): Case => ["deploy", { project }, /project: /]);

const badTrainings: Case[] = [
  ...[Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, "0.9", null, {}, [1], true, 1n, undefined].map(
    (f1): Case => ["recordTraining", train({ metrics: { f1 } }), /metrics\.f1: /],
  ),
  ...[undefined, null, 3, "f1=1", [0.9], new Map([["f1", 1]])].map(
    (metrics): Case => ["recordTraining", train({ metrics }), /metrics: /],
  ),
  ["recordTraining", train({ metrics: { "": 1 } }), /metrics/],
  ...[undefined, null, "", 7, {}, lone].map(
    (algorithm): Case => ["recordTraining", train({ algorithm }), /algorithm: /],
  ),
  ...["", "classify", "Classification", 3, null, "__proto__", "constructor"].map(
    (task): Case => ["recordTraining", train({ task }), /task: /],
  ),
  ...[null, 3, "{}", [], new Date(), new Map()].map(
    (hyperparams): Case => ["recordTraining", train({ hyperparams }), /hyperparams: /],
  ),
  ...[Number.NaN, undefined, 1n, () => 1, Symbol("x"), new Date(), lone, cyclic, deep].map(
    (value): Case => ["recordTraining", train({ hyperparams: { inner: { value } } }), /hyperparams\.inner\.value/],
  ),
  ...[
    {},
    { relation: "" },
    { relation: "r", rows: -1 },
    { relation: "r", rows: 1.5 },
    { relation: "r", more: 1 },
    "r",
  ].map((snapshot): Case => ["recordTraining", train({ snapshot }), /snapshot/]),
  ...[{}, { uri: "" }, { uri: 3 }, { uri: "u", digest: "" }, { uri: "u", md5: "x" }, null].map(
    (artifact): Case => ["recordTraining", train({ artifact }), /artifact/],
  ),
  ...[{ a: 1 }, { a: null }, [], "a=b"].map((labels): Case => ["recordTraining", train({ labels }), /labels/]),
  ...[
    "yesterday",
    "2026-13-01T00:00:00Z",
    "2026-01-01 10:00",
    1_700_000_000,
    new Date("x"),
    null,
    "2026-01-01T10:00:00",
  ].map((trainedAt): Case => ["recordTraining", train({ trainedAt }), /trainedAt: /]),
  ...["yes", 1, null].map(
    (automaticDeploy): Case => ["recordTraining", train({ automaticDeploy }), /automaticDeploy: /],
  ),
  ["recordTraining", train({ metric: { f1: 1 } }), /metric: is not known here/],
];

const badOptions: Case[] = [
  ...["", " ", 3, null, "x".repeat(201), "a\nb"].map(
    (commandId): Case => ["deploy", { project: P, commandId }, /commandId: /],
  ),
  ...["", 3, null, "a\tb"].map((actor): Case => ["deploy", { project: P, actor }, /actor: /]),
  ...["", "  ", 3, null, lone].map((reason): Case => ["deploy", { project: P, reason }, /reason: /]),
  ...[-1, 1.5, "1", Number.NaN, -1n, null, "any"].map(
    (expectedRevision): Case => ["deploy", { project: P, expectedRevision }, /expectedRevision: /],
  ),
  ["deploy", { project: P, dryRun: "yes" }, /dryRun: /],
  ["deploy", { project: P, signal: {} }, /signal/],
];

const badDeployments: Case[] = [
  ...["best", "BEST_SCORE", "new_score", 1, null, ""].map(
    (strategy): Case => ["deploy", { project: P, strategy }, /strategy: /],
  ),
  ...[0, -1, 1.5, "v1", "", null, {}, "1.0", "00000000", Number.NaN].map(
    (model): Case => ["deploy", { project: P, model }, /model: /],
  ),
  ...["Production", "", "a b", "-x", "x".repeat(64), 3, null, "é"].map(
    (environment): Case => ["deploy", { project: P, environment }, /environment: /],
  ),
  ...[0, -1, 1.5, "2", null].map((steps): Case => ["rollback", { project: P, steps }, /steps: /]),
  ...[0, -1, 1.5, "2", null].map((toNumber): Case => ["rollback", { project: P, toNumber }, /toNumber: /]),
  ["rollback", { project: P, steps: 1, toNumber: 1 }, /toNumber: give steps or toNumber/],
  ["rollback", { project: P, strategy: "best_score" }, /strategy/],
  ["rollback", { project: P, model: 1 }, /model: /],
  ["deploy", { project: P, steps: 1 }, /steps: goes with the strategy rollback/],
  ["deploy", { project: P, toNumber: 1 }, /toNumber: goes with the strategy rollback/],
  ["deploy", { project: P, strategy: "specific" }, /model: specific needs the model/],
  ["deploy", { project: P, strategy: "most_recent", model: 1 }, /model: goes with the strategy specific/],
  ["deploy", { project: P, algorithm: "" }, /algorithm: /],
  ["deploy", { project: P, force: 1 }, /force: /],
  ["deploy", { project: P, modle: 1 }, /modle: is not known here/],
  ["promote", { project: P, from: "a" }, /to: is required/],
  ["promote", { project: P, from: "a", to: "a" }, /to: must be another environment/],
  ["promote", { project: P, from: "A", to: "b" }, /from: /],
];

const badGovernment: Case[] = [
  ["retireModel", { project: P }, /model: /],
  ["reinstateModel", { project: P, model: "x" }, /model: /],
  ...[undefined, null, 3, {}, []].map((policy): Case => ["setPolicy", { project: P, policy }, /policy/]),
  ...[
    { automaticDeploy: "always" },
    { automaticDeploy: true },
    { minImprovement: -1 },
    { minImprovement: Number.NaN },
    { minImprovement: "0.1" },
    { metric: "" },
    { metric: "other" },
    { goal: "up", metric: "x" },
    { goal: "minimize" },
    { environment: "P" },
    { requireReason: "yes" },
    { frozen: true },
    { frozen: {} },
    { frozen: { reason: "" } },
    { frozen: { reason: "x", until: "soon" } },
    { frozen: { reason: "x", since: "now" } },
    { minimprovement: 1 },
  ].map((policy): Case => ["setPolicy", { project: P, policy }, /policy/]),
];

const badQuestions: readonly (readonly [method: keyof Ledger, args: readonly unknown[], names: RegExp])[] = [
  ["activeModel", [""], /project name/],
  ["activeModel", [3], /project name/],
  ["activeModel", [P, { environment: "X" }], /environment: /],
  ["activeModel", [P, { at: "now" }], /at: /],
  ["activeModel", [P, { at: { revision: -1 } }], /at/],
  ["activeModel", [P, { at: { position: "../x" } }], /at/],
  ["activeModel", [P, { when: 1 }], /when: /],
  ["project", [null], /project name/],
  ["models", [P, { limit: 0 }], /limit: /],
  ["models", [P, { after: -1 }], /after: /],
  ["leaderboard", [P, { limit: "3" }], /limit: /],
  ["deployments", [{ order: "up" }], /order: /],
  ["deployments", [{ model: 3 }], /model: a version belongs to a project/],
  ["deployments", [{ from: "x" }], /from: /],
  ["deployments", [{ projects: P }], /projects: /],
  ["timeline", [P, { from: 3 }], /from: /],
  ["explain", [{ project: P }], /number: /],
  ["explain", [{ project: P, number: 1, deploymentId: "x" }], /deploymentId: /],
  ["follow", [P, { environment: 3 }], /environment: /],
  ["subscribe", [{ types: ["ModelBorn"] }], /types/],
  ["verify", [{ project: "" }], /project name/],
];

async function refusalOf(method: keyof Ledger, args: readonly unknown[]): Promise<unknown> {
  const call: unknown = Reflect.get(ledger, method);
  if (typeof call !== "function") throw new Error(`${String(method)} is no method`);
  try {
    return { accepted: await Reflect.apply(call, ledger, args) };
  } catch (error) {
    return error;
  }
}

function expectClear(error: unknown, names: RegExp): void {
  expect(error).toBeInstanceOf(LedgerError);
  if (!(error instanceof LedgerError)) return;
  expect(error.code).toBe("INVALID_INPUT");
  expect(error.message).toMatch(names);
  expect(error.message).not.toMatch(/Invalid input|expected string|received/);
  expect(error.message.split("\n")).toHaveLength(1);
}

const described = (input: unknown): string => {
  try {
    return String(JSON.stringify(input, (_, value: unknown) => (typeof value === "bigint" ? `${value}n` : value)));
  } catch {
    return "(cyclic)";
  }
};

const all = [...notObjects, ...badProjects, ...badTrainings, ...badOptions, ...badDeployments, ...badGovernment];

describe("bad input", () => {
  test(`is tried in more than a hundred ways (${all.length} commands)`, () => expect(all.length).toBeGreaterThan(100));

  test.each(all.map(([method, input, names]) => [method, described(input), names, input] as const))(
    "%s(%s) names what is wrong",
    async (method, _text, names, input) => {
      const before = await ledger.verify();
      expectClear(await refusalOf(method, [input]), names);
      expect(await ledger.verify()).toEqual(before);
    },
  );

  test.each(badQuestions.map(([method, args, names]) => [method, described(args), names, args] as const))(
    "%s(%s) names what is wrong",
    async (method, _text, names, args) => expectClear(await refusalOf(method, args), names),
  );
});
