import fc from "fast-check";
import { expect, test } from "vitest";
import { LocalLedger } from "../../src/api/local-ledger.ts";
import { toJson } from "../../src/cli/output.ts";
import { sqliteReadModel } from "../../src/read-model/read-model.ts";
import { systemRuntime } from "../../src/runtime.ts";
import { memoryEventStore } from "../../src/store/memory.ts";

/** The read model against the log: whatever happened, and whatever is asked, they give the same answer to the letter. */
const START = Date.UTC(2026, 0, 1);
const moment = (second: number): string => new Date(START + second * 1_000).toISOString();

const PROJECTS = ["Digits", "Spam", "Ünï 🦉"];
const ENVIRONMENTS = ["production", "staging"];
const ACTORS = ["ann", "ci"];
const REASONS = [
  "the weekly check",
  "Error RATE doubled",
  "ÉTÉ, 100%_\"'",
  "two\nlines\t\\\u2028",
  "x",
  "cut \0 off here",
];
const ALGORITHMS = ["svm", "knn"];
/** Metrics whose names JSON.parse takes for each other (see parse-json.ts). */
const MISTAKEN: Readonly<Record<string, string>> = { svm: "x\\", knn: 'x"' };
const optional = <Value>(values: readonly Value[]) => fc.option(fc.constantFrom(...values), { nil: undefined });

const step = fc.record({
  kind: fc.constantFrom("train", "train", "deploy", "deploy", "rollback", "retire", "reinstate", "policy", "metric"),
  project: fc.constantFrom(...PROJECTS),
  environment: fc.constantFrom(...ENVIRONMENTS),
  actor: fc.constantFrom(...ACTORS),
  reason: optional(REASONS),
  algorithm: fc.constantFrom(...ALGORITHMS),
  score: fc.option(fc.integer({ min: 0, max: 9 }), { nil: undefined }),
  digest: optional(["sha256:1", "sha256:2"]),
  model: fc.integer({ min: 1, max: 4 }),
  // the machines' clocks do not agree
  second: fc.integer({ min: 0, max: 20 }),
  said: optional([3, 9, 15]),
});
type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never;

const filter = fc
  .record(
    {
      project: fc.constantFrom(...PROJECTS),
      environment: fc.constantFrom(...ENVIRONMENTS, "nowhere"),
      actor: fc.constantFrom(...ACTORS, "nobody"),
      strategy: fc.constantFrom("rollback" as const, "new_score" as const, "specific" as const),
      algorithm: fc.constantFrom(...ALGORITHMS, "none"),
      artifactDigest: fc.constantFrom("sha256:1", "sha256:2", "sha256:3"),
      reason: fc.constantFrom("rate", "THE WEEKLY", "été", '%_"', "x", "e", "not there", "\0 off", "off here", "\0abc"),
      from: fc.integer({ min: -1, max: 21 }).map(moment),
      to: fc.integer({ min: -1, max: 21 }).map(moment),
      order: fc.constantFrom("asc" as const, "desc" as const),
      limit: fc.integer({ min: 1, max: 5 }),
    },
    { requiredKeys: [] },
  )
  .filter(({ from, to }) => from === undefined || to === undefined || from <= to);

async function take(ledger: LocalLedger, given: Step): Promise<void> {
  const { kind, project, environment, actor, reason, algorithm, score, digest, model, said } = given;
  const command = { project, actor, ...(reason !== undefined && { reason }) };
  const deployment = { ...command, environment, ...(said !== undefined && { deployedAt: moment(said) }) };
  switch (kind) {
    case "train":
      await ledger.recordTraining({
        ...command,
        ...{
          task: "classification",
          algorithm,
          metrics: score === undefined ? {} : { f1: score, [MISTAKEN[algorithm] ?? ""]: 1 },
        },
        ...(digest && { artifact: { uri: "s3://m", digest } }),
      });
      return;
    case "deploy":
      await ledger.deploy({ ...deployment, model });
      return;
    case "rollback":
      await ledger.rollback(deployment);
      return;
    case "retire":
      await ledger.retireModel({ ...command, model });
      return;
    case "reinstate":
      await ledger.reinstateModel({ ...command, model });
      return;
    case "policy":
      await ledger.setPolicy({ ...command, policy: { environment, minImprovement: model } });
      return;
    case "metric":
      await ledger.setPolicy({ ...command, policy: { metric: algorithm, goal: "minimize" } });
  }
}

/** Two ledgers on one history: one that reads the log, and one with a read model that has seen nothing yet. */
async function bothAfter(steps: readonly Step[]) {
  let now = START;
  const store = memoryEventStore();
  const byLog = new LocalLedger(store, { runtime: { ...systemRuntime(), now: () => now } });
  const byTables = new LocalLedger(store, {}, { readModel: sqliteReadModel(store), shortLogEvents: 0 });
  const perform = async (more: readonly Step[]) => {
    for (const given of more) {
      now = START + given.second * 1_000;
      await take(byLog, given).catch(() => undefined); // refused, which writes nothing
    }
  };
  await perform(steps);
  return { byLog, byTables, perform, close: () => byTables.close() };
}

const outcome = async (ask: () => PromiseLike<readonly unknown[]>): Promise<string> => {
  try {
    return toJson(await ask());
  } catch (error) {
    return error instanceof Error && "code" in error ? String(error.code) : String(error);
  }
};

test("any search of deployments", async () => {
  const steps = fc.array(step, { minLength: 1, maxLength: 40 });
  const filters = fc.array(filter, { minLength: 8, maxLength: 8 });
  await fc.assert(
    fc.asyncProperty(steps, steps, filters, async (first, second, given) => {
      const { byLog, byTables, perform, close } = await bothAfter(first);
      for (const more of [[], second]) {
        await perform(more);
        for (const one of given) {
          expect(await outcome(() => byTables.deployments(one))).toBe(await outcome(() => byLog.deployments(one)));
        }
      }
      await close();
    }),
    { numRuns: 40 },
  );
});

test("any list of pages", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 10, maxLength: 40 }),
      filter,
      fc.constantFrom("asc" as const, "desc" as const),
      async (steps, { limit, order: _, ...given }, order) => {
        const { byLog, byTables, close } = await bothAfter(steps);
        const all = await byLog
          .deployments({ ...given, order })
          .toArray()
          .catch(() => []);
        const paged: unknown[] = [];
        for (let after: string | undefined; all.length > 0; ) {
          const page = await byTables.deployments({ ...given, order, limit: limit ?? 2, ...(after && { after }) });
          paged.push(...page);
          after = page.at(-1)?.position;
          if (page.length < (limit ?? 2)) break;
        }
        expect(paged).toEqual(all);
        await close();
      },
    ),
    { numRuns: 40 },
  );
});

test("every project, and what was active everywhere at any moment, by either clock", async () => {
  const seconds = fc.integer({ min: -1, max: 21 });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 40 }), seconds, async (steps, second) => {
      const { byLog, byTables, close } = await bothAfter(steps);
      expect(await outcome(() => byTables.projects())).toBe(await outcome(() => byLog.projects()));
      const positions = (await byLog.deployments()).map(({ position }) => position);
      const questions = [
        {},
        { limit: 2 },
        { environment: "staging" },
        { at: moment(second) },
        { at: moment(second), environment: "production" },
        { at: moment(second), by: "deployedAt" } as const,
        ...positions.slice(0, 5).map((position) => ({ at: { position } })),
      ];
      for (const question of questions) {
        expect(await outcome(() => byTables.activeModels(question))).toBe(
          await outcome(() => byLog.activeModels(question)),
        );
      }
      await close();
    }),
    { numRuns: 40 },
  );
});

test("what was active everywhere is what each project says was active", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 30 }), async (steps) => {
      const { byLog, byTables, close } = await bothAfter(steps);
      for (const at of [moment(4), moment(10), moment(20)]) {
        const everywhere = await byTables.activeModels({ at });
        const each: unknown[] = [];
        for (const { project } of await byLog.projects()) {
          for (const environment of ENVIRONMENTS) {
            const active = await byLog.activeModel(project, { environment, at });
            if (active) each.push(active);
          }
        }
        expect(everywhere).toEqual(each);
      }
      await close();
    }),
    { numRuns: 20 },
  );
});
