import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { emptyList, indexOfId, itemAt } from "../../projections/paged-list.ts";
import { evolveProject, initialProject, type ProjectState } from "../../projections/project.ts";
import type { LedgerEvent } from "../../src/events/events.ts";
import { type Asked, deploy, promote, reinstate, retire, setPolicy, train, World } from "./given.ts";
import { Naive, type Step } from "./naive-model.ts";

const algorithm = fc.constantFrom("linear", "svm", "__proto__");
const environment = fc.constantFrom("production", "staging", "constructor");
const version = fc.integer({ min: 1, max: 9 });
const score = fc.constantFrom(0, -0, 0.1, 0.5, 0.9, 0.90001, 9, 10, -3);
const metrics = fc.oneof(
  { weight: 4, arbitrary: fc.record({ f1: score, loss: score }) },
  { weight: 1, arbitrary: fc.record({ loss: score }) },
  { weight: 1, arbitrary: fc.constant({}) },
);
const optional = <Value>(arbitrary: fc.Arbitrary<Value>) => fc.option(arbitrary, { nil: undefined });
const force = fc.boolean();
const mostly = fc.oneof({ weight: 6, arbitrary: fc.constant(true) }, { weight: 1, arbitrary: fc.constant(false) });
/** A step takes a second or two, and a history has up to sixty. */
const HALFWAY = "2026-01-01T00:00:30.000Z";

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant("train" as const), algorithm, metrics, auto: fc.boolean() }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("deploy" as const),
      strategy: fc.constantFrom("best_score" as const, "most_recent" as const),
      algorithm: optional(algorithm),
      environment,
      force,
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("deploy" as const),
      strategy: fc.constant("rollback" as const),
      algorithm: optional(algorithm),
      steps: optional(fc.integer({ min: 1, max: 3 })),
      environment,
      force,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("deploy" as const),
      strategy: fc.constant("rollback" as const),
      algorithm: optional(algorithm),
      toNumber: fc.integer({ min: 1, max: 6 }),
      environment,
      force,
    }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("specific" as const), version, environment, force }) },
  {
    weight: 1,
    arbitrary: fc
      .record({ do: fc.constant("promote" as const), from: environment, to: environment, force })
      .filter(({ from, to }) => from !== to),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom("retire" as const, "reinstate" as const), version }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("policy" as const),
      change: fc.oneof(
        fc.record({
          metric: fc.constantFrom("f1", "loss", "toString"),
          goal: fc.constantFrom("maximize" as const, "minimize" as const),
        }),
        fc.constant({ metric: null }),
      ),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("policy" as const),
      change: fc
        .record(
          {
            automaticDeploy: fc.constantFrom("improved" as const, "not_worse" as const, "off" as const, null),
            minImprovement: fc.constantFrom(0, 0.00001, 0.4, 1, null),
            environment: fc.option(environment),
            requireReason: fc.option(fc.boolean()),
            frozen: fc.constantFrom({ reason: "test" }, { reason: "test", until: HALFWAY }, null, null),
          },
          { requiredKeys: [] },
        )
        .filter((change) => Object.keys(change).length > 0),
    }),
  },
);
const history = fc.array(step, { maxLength: 60, size: "max" });

function toCommand(one: Step, hasReason = true): Asked {
  const { type, input } = asCommand(one);
  const { reason: _, ...bare } = input;
  return { type, input: hasReason ? { ...bare, reason: "test" } : bare };
}

function asCommand(one: Step): Asked {
  switch (one.do) {
    case "train":
      return train(one.algorithm, 0, { metrics: one.metrics, automaticDeploy: one.auto });
    case "deploy": {
      const { do: _, ...options } = one;
      return deploy(options);
    }
    case "specific":
      return deploy({ model: one.version, environment: one.environment, force: one.force });
    case "promote":
      return promote(one.from, one.to, { force: one.force });
    case "retire":
      return retire(one.version);
    case "reinstate":
      return reinstate(one.version);
    case "policy":
      return setPolicy(one.change);
  }
}

/** What the product says to a step, in the words of the naive model. */
function answerOf(world: World, one: Step, hasReason: boolean) {
  const outcome = world.decide(toCommand(one, hasReason));
  if ("refusal" in outcome) return { refused: outcome.refusal.code };
  world.fold(outcome);
  const event = outcome.events.find((candidate) => candidate.type === "ModelDeployed");
  if (event?.type !== "ModelDeployed") return undefined;
  const { version, number, replays, decision, environment } = event.data;
  const deployed = world.state.environments[`=${environment}`]?.deployed ?? emptyList();
  const replayed = indexOfId(deployed, replays ?? "") + 1;
  return {
    environment,
    version,
    number,
    candidates: decision.candidates,
    ...(replays !== undefined && { replays: replayed }),
  };
}

function fold(events: readonly LedgerEvent[], state: ProjectState = initialProject()): ProjectState {
  const metadata = { recordedAt: "2026-01-01T00:00:00.000Z", actor: "a", commandId: "c", hash: "" };
  return events.reduce(
    (before, event) => evolveProject(before, { ...event, metadata, revision: before.revision + 1 }),
    state,
  );
}

const eventsOf = (steps: readonly Step[]): readonly LedgerEvent[] => {
  const world = new World();
  for (const one of steps) world.fold(world.decide(toCommand(one)));
  return world.events;
};

/** As many runs as that, unless whoever runs the tests wants another number of all properties. */
const runs = (numRuns: number) => ({ numRuns: fc.readConfigureGlobal()?.numRuns ?? numRuns });

describe("any history", () => {
  test("is answered as the contract, read naively, answers it", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(step, mostly), { maxLength: 60, size: "max" }), (steps) => {
        const world = new World();
        const naive = new Naive();
        steps.forEach(([one, hasReason], seconds) => {
          const now = new Date(Date.UTC(2026, 0, 1) + seconds * 1_000).toISOString();
          world.now = now;
          expect(answerOf(world, one, hasReason)).toEqual(naive.take(one, { now, hasReason }));
        });
      }),
      runs(1_500),
    );
  });

  test("folds the same from any prefix, also through a snapshot", () => {
    fc.assert(
      fc.property(history, fc.nat(), (steps, at) => {
        const events = eventsOf(steps);
        const cut = events.length === 0 ? 0 : at % events.length;
        const snapshot = JSON.parse(JSON.stringify(fold(events.slice(0, cut)))) as ProjectState;
        expect(JSON.stringify(fold(events.slice(cut), snapshot))).toBe(JSON.stringify(fold(events)));
      }),
      runs(300),
    );
  });

  test("is back where it was after two rollbacks", () => {
    fc.assert(
      fc.property(history, environment, (steps, where) => {
        const world = new World();
        for (const one of steps) world.fold(world.decide(toCommand(one)));
        const activeNow = () => world.state.active.environments[`=${where}`]?.version;
        const before = activeNow();
        const isRetired = before !== undefined && itemAt(world.state.models, before - 1)?.isRetired;
        const back = () => world.decide(deploy({ strategy: "rollback", environment: where }));
        const first = back();
        if ("refusal" in first || isRetired) return;
        world.fold(first);
        world.fold(back());
        expect(activeNow()).toBe(before);
      }),
      runs(500),
    );
  });
});
