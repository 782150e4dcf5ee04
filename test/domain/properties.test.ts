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
      do: fc.constant("metric" as const),
      metric: fc.constantFrom("f1", "loss", "toString"),
      goal: fc.constantFrom("maximize" as const, "minimize" as const),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("automatic" as const),
      rule: fc.constantFrom("improved" as const, "not_worse" as const, "off" as const),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constantFrom("freeze" as const, "unfreeze" as const, "unfreeze" as const) }),
  },
);
const history = fc.array(step, { maxLength: 60, size: "max" });

function toCommand(one: Step): Asked {
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
    case "metric":
      return setPolicy({ metric: one.metric, goal: one.goal });
    case "automatic":
      return setPolicy({ automaticDeploy: one.rule });
    case "freeze":
      return setPolicy({ frozen: { reason: "test" } });
    case "unfreeze":
      return setPolicy({ frozen: null });
  }
}

/** What the product says to a step, in the words of the naive model. */
function answerOf(world: World, one: Step) {
  const outcome = world.decide(toCommand(one));
  if ("refusal" in outcome) return { refused: outcome.refusal.code };
  world.fold(outcome);
  const event = outcome.events.find((candidate) => candidate.type === "ModelDeployed");
  if (event?.type !== "ModelDeployed") return undefined;
  const { version, number, replays, decision, environment } = event.data;
  const deployed = world.state.environments[`=${environment}`]?.deployed ?? emptyList();
  const replayed = indexOfId(deployed, replays ?? "") + 1;
  return { version, number, candidates: decision.candidates, ...(replays !== undefined && { replays: replayed }) };
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
      fc.property(history, (steps) => {
        const world = new World();
        const naive = new Naive();
        for (const one of steps) expect(answerOf(world, one)).toEqual(naive.take(one));
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
