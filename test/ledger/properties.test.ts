import { createHash } from "node:crypto";
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { evolveProject, initialProject } from "../../projections/project.ts";
import { LocalLedger } from "../../src/api/local-ledger.ts";
import { recorded } from "../../src/events/stored.ts";
import type { Deployment, Ledger } from "../../src/index.ts";
import { foldedEvent } from "../../src/ledger/project-cache.ts";
import { type Runtime, systemRuntime } from "../../src/runtime.ts";
import type { EventStore, StoredEvent } from "../../src/store/event-store.ts";
import { eventStoreDbEventStore } from "../../src/store/eventstoredb.ts";
import { memoryEventStore } from "../../src/store/memory.ts";
import { freshCategory, onEventStoreDb } from "../store/server.ts";

/** Whole ledgers under made-up clocks and schedules, asked about what the log says, read naively. */
const project = "Digits";
const environments = ["production", "staging"] as const;

const step = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("train" as const),
      algorithm: fc.constantFrom("svm", "knn"),
      f1: fc.constantFrom(0.1, 0.5, 0.9, undefined),
      automaticDeploy: fc.boolean(),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("deploy" as const),
      strategy: fc.constantFrom("best_score" as const, "most_recent" as const, "rollback" as const),
      environment: fc.constantFrom(...environments),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("promote" as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constantFrom("retire" as const, "reinstate" as const),
      model: fc.integer({ min: 1, max: 5 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("policy" as const), minImprovement: fc.constantFrom(0, 0.4) }) },
);
type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never;

/** What a step comes to; a refusal is as good an answer as any. */
function take(ledger: Ledger, one: Step, more: { readonly commandId?: string } = {}): Promise<unknown> {
  const given = { project, ...more };
  const answer = (): Promise<unknown> => {
    switch (one.do) {
      case "train": {
        const { algorithm, f1, automaticDeploy } = one;
        const metrics = f1 === undefined ? {} : { f1 };
        return ledger.recordTraining({ ...given, task: "classification", algorithm, metrics, automaticDeploy });
      }
      case "deploy":
        return ledger.deploy({ ...given, strategy: one.strategy, environment: one.environment });
      case "promote":
        return ledger.promote({ ...given, from: "production", to: "staging" });
      case "retire":
        return ledger.retireModel({ ...given, model: one.model });
      case "reinstate":
        return ledger.reinstateModel({ ...given, model: one.model });
      case "policy":
        return ledger.setPolicy({ ...given, policy: { minImprovement: one.minImprovement } });
    }
  };
  return answer().catch((error: unknown) => error);
}

/** Ids in order, no waiting, and a clock that says what `tick` says. */
function runtimeWith(tick: () => number, prefix = 0): Runtime {
  let ids = 0;
  return {
    now: tick,
    newId: () => `${String(prefix).padStart(8, "0")}-0000-7000-8000-${String(++ids).padStart(12, "0")}`,
    random: () => 0.5,
    after: () => () => undefined,
    sleep: async () => undefined,
    actor: "test",
  };
}

async function logOf(store: EventStore): Promise<StoredEvent[]> {
  const events: StoredEvent[] = [];
  for await (const event of store.readAll()) events.push(event);
  return events;
}

const START = Date.UTC(2026, 0, 1);
/** Jumps forwards and back, in milliseconds. */
const jumps = fc.array(fc.integer({ min: -5_000, max: 5_000 }), { minLength: 1, maxLength: 40 });

async function lived(store: EventStore, steps: readonly Step[], clock: readonly number[]) {
  let now = START;
  let ticks = 0;
  const runtime = runtimeWith(() => {
    now += clock[ticks++ % clock.length] ?? 0;
    return now;
  });
  const ledger = new LocalLedger(store, { runtime });
  for (const one of steps) await take(ledger, one);
  return { store, ledger, log: (await logOf(store)).map(recorded) };
}

/** `open` gives an empty store; `share` of the runs that memory is given. */
function anyLife(open: () => Promise<EventStore>, share = 1): void {
  const life = fc.array(step, { maxLength: 30, size: "max" });
  const runs = (count: number) => ({ numRuns: Math.ceil(count * share) });

  test("time never goes back, and the hashes follow from the log alone", () =>
    fc.assert(
      fc.asyncProperty(life, jumps, async (steps, clock) => {
        const { store, ledger } = await lived(await open(), steps, clock);
        let previous = Buffer.alloc(32);
        let before = "";
        for (const { type, data, metadata } of await logOf(store)) {
          const { hash, ...rest } = JSON.parse(metadata) as { readonly hash: string; readonly recordedAt: string };
          const text = sortedJson({ type, data: JSON.parse(data) as unknown, metadata: rest });
          const digest = createHash("sha256").update(previous).update(text).digest();
          expect(hash).toBe(digest.toString("hex"));
          expect(rest.recordedAt >= before).toBe(true);
          previous = digest;
          before = rest.recordedAt;
        }
        expect((await ledger.verify()).ok).toBe(true);
      }),
      runs(100),
    ));

  test("what was active at each revision, position and time is what the log up to there says", () =>
    fc.assert(
      fc.asyncProperty(life, jumps, async (steps, clock) => {
        const { ledger, log } = await lived(await open(), steps, clock);
        const numberAt = async (environment: string, at: Parameters<Ledger["activeModel"]>[1]) =>
          (await ledger.activeModel(project, { environment, ...at }))?.number;
        const naive = (environment: string, isThen: (event: (typeof log)[number]) => boolean) =>
          log.filter(isThen).flatMap(({ type, data }) => {
            if (type !== "ModelDeployed") return [];
            return data.environment === environment ? [data.number] : [];
          });
        for (const environment of environments) {
          for (const { revision, position, recordedAt } of log) {
            const asked = [
              { at: { revision }, isThen: (event: (typeof log)[number]) => event.revision <= revision },
              { at: { position }, isThen: (event: (typeof log)[number]) => event.position <= position },
              { at: recordedAt, isThen: (event: (typeof log)[number]) => event.recordedAt <= recordedAt },
              {
                at: new Date(Date.parse(recordedAt) - 1),
                isThen: (event: (typeof log)[number]) => event.recordedAt < recordedAt,
              },
            ];
            for (const { at, isThen } of asked) {
              expect(await numberAt(environment, { at })).toBe(naive(environment, isThen).at(-1));
            }
          }
          expect(await numberAt(environment, {})).toBe(naive(environment, () => true).at(-1));
        }
      }),
      runs(60),
    ));

  test("a timeline tiles: each stretch ends where the next begins, the last has no end", () =>
    fc.assert(
      fc.asyncProperty(life, jumps, fc.nat(), fc.nat(), async (steps, clock, one, two) => {
        const { ledger, log } = await lived(await open(), steps, clock);
        if (log.length === 0) return;
        for (const environment of environments) {
          const all = await ledger.timeline(project, { environment });
          expect(all.map(({ deployment }) => deployment.number)).toEqual(all.map((_, index) => index + 1));
          for (const [index, { activeTo }] of all.entries()) {
            expect(activeTo).toBe(all[index + 1]?.activeFrom ?? null);
          }
          const [from = "", to = ""] = [log[one % log.length]?.recordedAt, log[two % log.length]?.recordedAt].sort();
          const part = await ledger.timeline(project, { environment, from, to });
          expect(part).toEqual(
            all.filter(
              ({ activeFrom, activeTo }) =>
                activeFrom < to && (activeFrom >= from || activeTo === null || activeTo > from),
            ),
          );
        }
      }),
      runs(60),
    ));

  test("what the running ledger believes is what the log replays to", () =>
    fc.assert(
      fc.asyncProperty(life, jumps, async (steps, clock) => {
        const { store, ledger, log } = await lived(await open(), steps, clock);
        if (log.length === 0) return;
        const anew = new LocalLedger(store);
        expect(await ledger.project(project)).toStrictEqual(await anew.project(project));
        expect(await ledger.leaderboard(project)).toStrictEqual(await anew.leaderboard(project));
        const state = log.map(foldedEvent).reduce(evolveProject, initialProject());
        const { task, models, active } = await ledger.project(project);
        expect({ task, models }).toEqual({ task: state.task, models: state.models.length });
        expect(active).toHaveLength(Object.keys(state.active.environments).length);
      }),
      runs(100),
    ));

  test("history by every filter is the log, filtered", () =>
    fc.assert(
      fc.asyncProperty(life, jumps, fc.integer({ min: 1, max: 4 }), async (steps, clock, limit) => {
        const { ledger, log } = await lived(await open(), steps, clock);
        if (log.length === 0) return;
        const numbers = log.flatMap((event) => (event.type === "ModelDeployed" ? [event] : []));
        const ids = (rows: readonly Deployment[]) => rows.map(({ deploymentId }) => deploymentId);
        const expected = numbers.map(({ data }) => data.deploymentId);
        expect(ids(await ledger.deployments({ order: "asc" }))).toEqual(expected);
        expect(ids(await ledger.deployments({ project }))).toEqual(expected.toReversed());
        for (const strategy of ["best_score", "rollback", "new_score", "specific"] as const) {
          const only = numbers.filter(({ data }) => data.strategy === strategy).map(({ data }) => data.deploymentId);
          expect(ids(await ledger.deployments({ strategy, order: "asc" }))).toEqual(only);
        }
        for (const filter of [{ project }, {}]) {
          for (const order of ["asc", "desc"] as const) {
            const paged: Deployment[] = [];
            for (let after: string | undefined; ; after = paged.at(-1)?.position) {
              const page = await ledger.deployments({ ...filter, order, limit, ...(after !== undefined && { after }) });
              paged.push(...page);
              if (page.length < limit) break;
            }
            expect(ids(paged)).toEqual(order === "asc" ? expected : expected.toReversed());
          }
        }
      }),
      runs(60),
    ));
}

describe("any life of a ledger, by any clock", () => {
  anyLife(async () => memoryEventStore());
});

onEventStoreDb((url) => {
  describe("any life of a ledger, by any clock", () => {
    const opened: EventStore[] = [];
    afterAll(() => Promise.all(opened.map((store) => store.close())));
    anyLife(async () => {
      const store = await eventStoreDbEventStore(url(), systemRuntime(), { category: freshCategory() });
      opened.push(store);
      return store;
    }, 1 / 15);
  });
});

/** JSON with sorted keys, by hand: RFC 8785 for what the events hold. */
function sortedJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(sortedJson).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, inner]) => `${JSON.stringify(key)}:${sortedJson(inner)}`).join(",")}}`;
}

describe("ledgers that race on one store, in any order of their reads and writes", () => {
  test("come to a log that one of them alone would have written", () =>
    fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        fc.array(fc.tuple(fc.nat(2), step, fc.option(fc.nat(3), { nil: undefined })), { minLength: 2, maxLength: 14 }),
        async (scheduler, commands) => {
          const store = memoryEventStore();
          await take(new LocalLedger(store, { runtime: runtimeWith(() => START, 9) }), {
            do: "train",
            algorithm: "svm",
            f1: 0.5,
            automaticDeploy: true,
          });
          const slow: EventStore = {
            ...store,
            append: scheduler.scheduleFunction(store.append),
            async *readStream(...call) {
              await scheduler.schedule(Promise.resolve(), "read");
              yield* store.readStream(...call);
            },
          };
          const ledgers = [0, 1, 2].map(
            (prefix) => new LocalLedger(slow, { runtime: runtimeWith(() => START, prefix) }),
          );
          const results = Promise.all(
            commands.map(async ([which, one, id], index) => {
              const ledger = ledgers[which];
              if (ledger === undefined) throw new Error("no ledger");
              // Some commands are the very same one, given in several places.
              const shared = id === undefined ? undefined : commands[id]?.[1];
              const same =
                shared === undefined ? { one, commandId: `own-${index}` } : { one: shared, commandId: `shared-${id}` };
              return { ...same, answer: await take(ledger, same.one, { commandId: same.commandId }) };
            }),
          );
          await scheduler.waitFor(results);
          const log = (await logOf(store)).map(recorded);

          // One ledger, given the commands in the order of the log, writes the same.
          const alone = memoryEventStore();
          const single = new LocalLedger(alone, { runtime: runtimeWith(() => START) });
          await take(single, { do: "train", algorithm: "svm", f1: 0.5, automaticDeploy: true });
          const order = [...new Set(log.slice(2).map(({ metadata }) => metadata.commandId))];
          const answers = await results;
          for (const commandId of order) {
            const given = answers.find((one) => one.commandId === commandId);
            if (given) await take(single, given.one, { commandId });
          }
          const told = (event: (typeof log)[number]) => {
            const { version, number, environment, algorithm, decision, automaticDeploy, policy } = {
              version: 0,
              number: 0,
              environment: "",
              algorithm: "",
              decision: null,
              automaticDeploy: null,
              policy: null,
              ...event.data,
            };
            return { type: event.type, version, number, environment, algorithm, decision, automaticDeploy, policy };
          };
          expect(log.map(told)).toEqual((await logOf(alone)).map(recorded).map(told));

          // Every answer is in the log, the same command got the same one, and everybody agrees.
          for (const { commandId, answer } of answers) {
            const written = log.filter(({ metadata }) => metadata.commandId === commandId);
            if (answer instanceof Error || written.length === 0) continue;
            // What changed nothing left no id in the log: the same command may have written later.
            if (changedNothing(answer)) continue;
            expect(answer).toMatchObject({ revision: written.at(-1)?.revision });
          }
          for (const ledger of [...ledgers, single])
            expect(await untimed(ledger, scheduler)).toEqual(await untimed(single, scheduler));
          expect((await new LocalLedger(store).verify()).ok).toBe(true);
        },
      ),
      { numRuns: 150 },
    ));
});

const changedNothing = (answer: unknown): boolean =>
  typeof answer === "object" && answer !== null && "changed" in answer && answer.changed === false;

async function untimed(ledger: Ledger, scheduler: fc.Scheduler) {
  const summary = ledger.project(project);
  await scheduler.waitFor(summary);
  const { models, retired, deployments, active, policy } = await summary;
  return { models, retired, deployments, policy, active: active.map(({ number, version }) => [number, version]) };
}
