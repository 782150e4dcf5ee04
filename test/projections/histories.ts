import fc from "fast-check";
import type { JsonObject } from "../../src/events/json-value.ts";
import type { Ledger } from "../../src/index.ts";
import { LedgerError } from "../../src/index.ts";

/** Histories of several projects, with all that a history can hold and names that are awkward somewhere. */
export const ODD_NAMES = [
  "__proto__",
  "constructor",
  "toString",
  "=",
  "0",
  "é",
  "名前",
  '"',
  "\\",
  "</script>",
  "a-b",
  "two\u2028lines",
  "x".repeat(200),
];

/** What a command's input is made of, but for its project. */
type Fields = Readonly<Record<string, unknown>>;
type Act = (ledger: Ledger, project: string) => Promise<unknown>;

const name = fc.constantFrom("svm", "knn", ...ODD_NAMES);
const score = fc.oneof(
  fc.constantFrom(-1, 0, 0.1, 0.5, 0.5, 0.9, 1e-9, 1e21, 123_456_789.123_456_78, 5e-324, Number.MAX_VALUE),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
);
const metrics = fc
  .array(fc.tuple(fc.constantFrom("f1", "f1", "f1", "recall", "toString", "constructor", "7"), score), {
    maxLength: 3,
  })
  .map((entries) => Object.fromEntries(entries));
const environment = fc.constantFrom("production", "production", "staging", "0", "constructor");
const reason = fc.option(fc.string({ minLength: 1, maxLength: 20, unit: "grapheme" }), { nil: undefined });
const version = fc.integer({ min: 1, max: 6 });

const act = <Given extends Fields>(
  fields: fc.Arbitrary<Given>,
  run: (ledger: Ledger, input: Given & { project: string }) => Promise<unknown>,
) =>
  fc.tuple(fields, reason, fc.option(name, { nil: undefined })).map(
    ([input, why, commandId]): Act =>
      (ledger, project) => {
        const said = {
          ...(why?.trim() && why.isWellFormed() && { reason: why }),
          ...(commandId !== undefined && { commandId: `${commandId}${JSON.stringify(input)}`.slice(0, 200) }),
        };
        return run(ledger, { ...input, ...said, project });
      },
  );

const training = act(
  fc
    .record({
      algorithm: name,
      metrics,
      automaticDeploy: fc.boolean(),
      hyperparams: fc.constantFrom<JsonObject[]>(
        {},
        { depth: 3 },
        { constructor: 1 },
        { "a\nb": { "\u0001": "\u2028" } },
        nested(60),
      ),
      artifact: fc.option(fc.record({ uri: name, digest: name }), { nil: undefined }),
    })
    .map(({ artifact, ...rest }) => ({ ...rest, ...(artifact && { artifact }) })),
  (ledger, input) => ledger.recordTraining({ task: "classification", ...input }),
);
const deployment = act(
  fc.record({ environment, strategy: fc.constantFrom("best_score" as const, "most_recent" as const) }),
  (ledger, input) => ledger.deploy(input),
);
const specific = act(fc.record({ environment, model: version, force: fc.boolean() }), (ledger, input) =>
  ledger.deploy(input),
);
const rollback = act(fc.record({ environment, steps: fc.integer({ min: 1, max: 3 }) }), (ledger, input) =>
  ledger.rollback(input),
);
const promotion = act(fc.constant({ from: "production", to: "staging" }), (ledger, input) => ledger.promote(input));
const retirement = act(fc.record({ model: version }), (ledger, input) =>
  ledger.retireModel({ reason: "worse", ...input }),
);
const reinstatement = act(fc.record({ model: version }), (ledger, input) => ledger.reinstateModel(input));
const policy = act(
  fc.record({
    policy: fc.oneof(
      fc.constantFrom(
        { metric: null, goal: null },
        { metric: "recall", goal: "minimize" as const },
        { metric: "__proto__", goal: "maximize" as const },
        { metric: "constructor", goal: "minimize" as const },
        { automaticDeploy: "not_worse" as const },
        { automaticDeploy: "off" as const },
        { frozen: { reason: "audit" } },
        { frozen: null },
      ),
      fc.record({ minImprovement: fc.double({ min: 0, max: 1, noNaN: true }), environment }),
    ),
  }),
  (ledger, input) => ledger.setPolicy(input),
);

const anyAct = fc.oneof(
  { weight: 6, arbitrary: training },
  { weight: 2, arbitrary: deployment },
  { weight: 3, arbitrary: specific },
  { weight: 3, arbitrary: rollback },
  { weight: 1, arbitrary: promotion },
  { weight: 2, arbitrary: retirement },
  { weight: 2, arbitrary: reinstatement },
  { weight: 2, arbitrary: policy },
);

function nested(depth: number): JsonObject {
  return depth === 0 ? {} : { a: nested(depth - 1) };
}

/** Acts on two projects, told apart by index, each begun with a few models. */
export const history = fc
  .tuple(
    fc.array(training, { minLength: 6, maxLength: 6 }),
    fc.array(fc.tuple(fc.nat(1), anyAct), { minLength: 40, maxLength: 100, size: "max" }),
  )
  .map(([first, rest]) => [...first.map((one, index): [number, Act] => [index % 2, one]), ...rest]);

/** Carries it out; what is refused leaves nothing behind and is part of the life of a ledger. */
export async function live(
  ledger: Ledger,
  steps: readonly (readonly [number, Act])[],
  projects: readonly string[],
): Promise<void> {
  for (const [index, step] of steps) {
    await step(ledger, projects[index] ?? "").catch((error: unknown) => {
      if (!(error instanceof LedgerError)) throw error;
    });
  }
}
