import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { enter, lookUp, names } from "../../projections/dictionary.ts";
import { leaderboard } from "../../projections/leaderboard.ts";
import type { ProjectState } from "../../projections/project.ts";
import { deploy, given, retire, rollBack, setPolicy, shelved, World } from "../domain/given.ts";

const snapshot = (state: ProjectState) => JSON.parse(JSON.stringify(state)) as ProjectState;

test("the state is JSON: what is read back is what was written", () => {
  const { state } = given(shelved("__proto__", 0.5), deploy(), setPolicy({ frozen: { reason: "x" } })).world;
  expect(snapshot(state)).toEqual(state);
});

test("a dictionary takes any name for a name", () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.oneof(fc.string(), fc.constantFrom("__proto__", "constructor", "=", ""))), (keys) => {
      const dictionary = {};
      for (const [index, key] of keys.entries()) enter(dictionary, key, index);
      expect(keys.map((key) => lookUp(dictionary, key))).toEqual(keys.map((_, index) => index));
      expect(new Set(names(dictionary))).toEqual(new Set(keys));
    }),
  );
  expect(lookUp({}, "constructor")).toBeUndefined();
});

describe("a leaderboard", () => {
  test("is the scored and unretired models, sorted", () => {
    const score = fc.option(fc.constantFrom(-1, 0, 0.5, 9, 10), { nil: undefined });
    const model = fc.record({ algorithm: fc.constantFrom("a", "b"), score, retired: fc.boolean() });
    const goal = fc.constantFrom("maximize" as const, "minimize" as const);
    fc.assert(
      fc.property(
        fc.array(model, { minLength: 1 }),
        goal,
        fc.constantFrom(undefined, "a"),
        (models, way, algorithm) => {
          const world = new World();
          for (const one of models) world.fold(world.decide(shelved(one.algorithm, one.score)));
          models.forEach(({ retired }, index) => {
            if (retired) world.fold(world.decide(retire(index + 1)));
          });
          const sign = way === "maximize" ? -1 : 1;
          const expected = models
            .flatMap((one, index) =>
              one.score === undefined ? [] : [{ ...one, score: one.score, version: index + 1 }],
            )
            .filter((one) => !one.retired && (algorithm === undefined || one.algorithm === algorithm))
            .sort((a, b) => sign * (a.score - b.score) || a.version - b.version)
            .map(({ version, score: of }, index) => ({ place: index + 1, version, score: of }));
          expect(leaderboard(world.state, { metric: "f1", goal: way }, algorithm)).toEqual(expected);
        },
      ),
    );
  });
  test("of a project without a key metric is empty", () =>
    expect(leaderboard(given(shelved("a", 1)).world.state, { metric: null, goal: "maximize" })).toEqual([]));
});

test("a long history keeps what rollback needs, and no more", () => {
  const world = given(shelved("a", 1), shelved("b", 2), shelved("c", 3)).world;
  const ask = (command: Parameters<World["decide"]>[0]) => world.fold(world.decide(command));
  for (let round = 0; round < 400; round++) ask(deploy({ model: (round % 3) + 1 }));
  const { recent, deployed, distinct } = world.state.environments["=production"] ?? { recent: [], deployed: [] };
  expect([deployed.length, distinct]).toEqual([400, 3]);
  expect(recent.length).toBeLessThanOrEqual(2 * 3 + 16);
  ask(rollBack({ steps: 2 }));
  expect(world.state.active.environments["=production"]).toMatchObject({ number: 401, version: 2 });
});
