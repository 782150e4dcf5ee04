import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Ledger } from "../../src/api/ledger.ts";
import { LedgerError, openLedger } from "../../src/index.ts";
import { memoryEventStore } from "../../src/store/memory.ts";
import { servedLedger } from "../remote/served.ts";

/** Whatever is wrong is one clear INVALID_INPUT that names the field, and the log stays as it was. */
const P = "Digits";
let ledger: Ledger;

const cyclic: Record<string, unknown> = {};
cyclic.self = cyclic;
const deep = JSON.parse(`${'{"a":'.repeat(200)}1${"}".repeat(200)}`) as object;
const lone = "\ud800";

const train = (more: object) => ({ project: P, algorithm: "svm", metrics: { f1: 1 }, ...more });
const throwing: PropertyDescriptor = {
  enumerable: true,
  get() {
    throw new Error("not to be read");
  },
};
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
  ["recordTraining", train({ metrics: { "": 1 } }), /metrics\.: has a bad name/],
  ["recordTraining", train({ metrics: { [Symbol("x")]: 1 } }), /metrics/],
  ["recordTraining", train({ metrics: { [lone]: 1 } }), /metrics.*well-formed/],
  ["recordTraining", train({ metrics: JSON.parse('{"__proto__":1}') }), /metrics: must not hold the name "__proto__"/],
  ["recordTraining", train({ labels: JSON.parse('{"__proto__":"x"}') }), /labels: must not hold/],
  ["recordTraining", train({ labels: { a: lone } }), /labels\.a: /],
  ["recordTraining", train({ hyperparams: { a: [undefined] } }), /hyperparams\.a\.0: must be JSON/],
  ["recordTraining", train({ hyperparams: { a: [new Array(1)] } }), /hyperparams\.a\.0\.0: /],
  ["recordTraining", train({ hyperparams: { toJSON: () => 1 } }), /hyperparams\.toJSON: /],
  ["recordTraining", train({ hyperparams: { a: new Float64Array(1) } }), /hyperparams\.a: must be plain JSON/],
  ["recordTraining", train({ hyperparams: { [lone]: 1 } }), /hyperparams: has a key/],
  ["recordTraining", train({ metrics: cyclic }), /metrics\.self: /],
  ["recordTraining", train({ labels: cyclic }), /labels\.self: /],
  ["recordTraining", train({ snapshot: { relation: "r", rows: 2 ** 60 } }), /snapshot\.rows: must be at most/],
  ["recordTraining", train({ snapshot: { relation: "r", rows: Number.NaN } }), /snapshot\.rows: /],
  ["recordTraining", train({ trainedAt: Object.create(Date.prototype) }), /cannot be read/],
  ["recordTraining", train({ hyperparams: Object.defineProperty({}, "a", throwing) }), /cannot be read/],
  ["recordTraining", train({ trainedAt: new Date(8.64e15) }), /trainedAt: must lie in the years/],
  ["recordTraining", train({ trainedAt: "2026-02-30T10:00:00Z" }), /trainedAt: /],
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
  ...[-1, 1.5, "-1", "01", "1.0", " 1", "", Number.NaN, -1n, null, "any"].map(
    (expectedRevision): Case => ["deploy", { project: P, expectedRevision }, /expectedRevision: /],
  ),
  ["deploy", { project: P, dryRun: "yes" }, /dryRun: /],
  ["deploy", { project: P, correlationId: "x".repeat(201) }, /correlationId: must have at most 200 characters/],
  ["deploy", { project: P, causationId: "" }, /causationId: must not be empty/],
  ["deploy", { project: P, deployedAt: "soon" }, /deployedAt: /],
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
  ["rollback", { project: P, steps: 0 }, /steps: must be more than 0/],
  ["rollback", { project: P, steps: 1e300 }, /steps: must be at most/],
  ...[Number.NaN, Number.POSITIVE_INFINITY, 2n, Symbol("x"), 0, -1, 1.5, "2", null].map(
    (steps): Case => ["rollback", { project: P, steps }, /steps: /],
  ),
  ...[Number.NaN, 0, -1, 1.5, "2", null].map((toNumber): Case => ["rollback", { project: P, toNumber }, /toNumber: /]),
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
  ["promote", { project: P, to: "a" }, /from: is required/],
  ["promote", { project: P, from: "a", to: "b", model: 1 }, /model: is not known here/],
  ...["v1", "0", "9999999999999999", 1e21].map(
    (model): Case => ["deploy", { project: P, model }, /model: must be a version \(1, 2, 3…\) or a model id/],
  ),
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
    { metric: undefined },
    { minImprovement: Number.POSITIVE_INFINITY },
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
  ["verify", [{ project: "" }], /project: /],
  ["verify", [null], /must be an object, not null/],
  ["verify", [3], /must be an object/],
  ["verify", [{ projct: P }], /projct: is not known here/],
  ["verify", [{ signal: 3 }], /signal: must be an AbortSignal/],
  ["verify", [{ onProgress: 3 }], /onProgress: must be a function/],
  ["subscribe", [null], /must be an object, not null/],
  ["subscribe", [3], /must be an object/],
  ["subscribe", [{ signal: 3 }], /signal: /],
  ["subscribe", [{ from: "../x" }], /from: /],
  ["subscribe", [{ from: 0 }], /from: /],
  ["deployments", [{ after: "../x" }], /after: must be a position/],
  ["deployments", [{ project: P, after: "../x" }], /after: must be a position/],
  ["deployments", [{ limit: 0 }], /limit: must be more than 0/],
  ["deployments", [{ strategy: "best" }], /strategy: must be one of/],
  ["deployments", [null], /must be an object, not null/],
  ["models", [P, null], /must be an object, not null/],
  ["models", [P, { retired: "no" }], /retired: must be a boolean/],
  ["timeline", [P, null], /must be an object, not null/],
  ["timeline", [P, { environment: "X" }], /environment: /],
  ["follow", [P, null], /must be an object, not null/],
  ["follow", [""], /project name/],
  ["activeModel", [P, null], /must be an object, not null/],
  ["activeModel", [P, { at: { revision: 1, position: "1" } }], /at: /],
  ["activeModel", [P, { at: {} }], /at: /],
  ["activeModel", [P, { at: null }], /at: /],
  ["explain", [undefined], /required/],
  ["explain", [{ project: P, number: 0 }], /number: must be more than 0/],
  ["explain", [{ project: P, deploymentId: "x" }], /deploymentId: must be a UUID/],
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

describe.each([
  ["memory:", () => openLedger("memory:")],
  ["http:", () => servedLedger(memoryEventStore())],
])("bad input on %s", (_scheme, open) => {
  beforeAll(async () => {
    ledger = await open();
    await ledger.recordTraining({ project: P, task: "classification", algorithm: "svm", metrics: { f1: 0.9 } });
  });
  afterAll(() => ledger.close());

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

  test("that is small in memory and endless as JSON is refused at once", async () => {
    const doubled = Array.from({ length: 40 }).reduce<object>((half) => ({ a: half, b: half }), {});
    const refusal = await refusalOf("recordTraining", [train({ hyperparams: { inner: doubled } })]);
    expectClear(refusal, /hyperparams\.inner: holds more than 524288 values/);
  });

  const badOpenings: readonly (readonly [url: unknown, options: unknown, names: RegExp])[] = [
    [undefined, {}, /store address: is required/],
    [null, {}, /store address: must be a string, not null/],
    [3, {}, /store address: /],
    ["", {}, /store/],
    ["postgres://x", {}, /postgres/],
    ["memory:", null, /options: must be an object, not null/],
    ["memory:", 3, /options: must be an object/],
    ["memory:", { actr: "x" }, /actr: is not known here/],
    ["memory:", { actor: "" }, /actor: must not be empty/],
    ["memory:", { actor: 3 }, /actor: /],
    ["memory:", { runtime: 3 }, /runtime: /],
    ["memory:", { defaultPolicy: 3 }, /defaultPolicy: must be an object/],
    ["memory:", { defaultPolicy: { metric: "x" } }, /defaultPolicy: policy\.goal: /],
    ["memory:", { defaultPolicy: { minImprovement: -1 } }, /minImprovement: /],
    ...[0, -1, 1.5, Number.NaN, "9", null].map((maxCached) => ["memory:", { maxCached }, /maxCached: /] as const),
  ];
  test.each(
    badOpenings.map(([url, options, names]) => [described(url), described(options), names, url, options] as const),
  )("openLedger(%s, %s) names what is wrong", async (_url, _options, names, url, options) => {
    const opened = Promise.resolve(Reflect.apply(openLedger, undefined, [url, options])).catch(
      (error: unknown) => error,
    );
    expectClear(await opened, names);
  });
});
