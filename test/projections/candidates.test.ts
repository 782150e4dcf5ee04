import { describe, expect, test } from "vitest";
import { lookUp, names } from "../../projections/dictionary.ts";
import { type Candidates, isLatest, type Model, type ProjectState } from "../../projections/project.ts";
import { isBetter, scoreOf } from "../../projections/scores.ts";
import { deployed, given, reinstate, retire, setPolicy, shelved } from "../domain/given.ts";

/** Who qualifies and whom a rollback finds, as the fold counts them, held against a look at all models. */

const modelsOf = ({ models }: ProjectState): Model[] =>
  models.pages.flatMap((page) => (Array.isArray(page) ? page : []));

/** Who qualifies, by looking at everyone. */
function candidates({ ranking }: ProjectState, all: readonly Model[], isAmong: (model: Model) => boolean): Candidates {
  const found: Candidates = { count: 0, scored: 0, best: 0, latest: 0 };
  let bestScore: number | null = null;
  for (const [index, model] of all.entries()) {
    if (model.isRetired || !isAmong(model)) continue;
    found.count += 1;
    found.latest = index + 1;
    const score = scoreOf(model.metrics, ranking.metric);
    if (score === null) continue;
    found.scored += 1;
    if (bestScore !== null && !isBetter(ranking.goal, score, bestScore)) continue;
    bestScore = score;
    found.best = index + 1;
  }
  return found;
}

function expectRanked(state: ProjectState): void {
  const all = modelsOf(state);
  expect(state.everyone).toEqual(candidates(state, all, () => true));
  for (const algorithm of new Set(all.map((model) => model.algorithm))) {
    const kept = lookUp(state.algorithms, algorithm) ?? { count: 0, scored: 0, best: 0, latest: 0 };
    expect([algorithm, kept]).toEqual([algorithm, candidates(state, all, (model) => model.algorithm === algorithm)]);
  }
}

function expectReturnable(state: ProjectState): void {
  const all = modelsOf(state);
  for (const environment of Object.values(state.environments)) {
    const ever = all.filter((_, index) => (environment.latestOf[index] ?? 0) > 0);
    const left = ever.filter((model) => !model.isRetired);
    expect([environment.distinct, environment.returnable]).toEqual([ever.length, left.length]);
    for (const algorithm of names(environment.returnableOf)) {
      expect(lookUp(environment.returnableOf, algorithm)).toBe(
        left.filter((model) => model.algorithm === algorithm).length,
      );
    }
  }
}

const MODELS = [
  shelved("svm", 0.5),
  shelved("knn", 0.9),
  shelved("svm"),
  shelved("knn", 0.9),
  shelved("svm", 0.7),
  shelved("tree", 0.1),
];

describe("who qualifies and who wins is known", () => {
  test.each([
    ["after trainings", []],
    ["after the retirement of the best", [retire(2)]],
    ["after the retirement of the latest", [retire(6)]],
    ["after the retirement of one in between", [retire(1)]],
    ["after the retirement of one without a score", [retire(3)]],
    ["after the retirement of the best of an algorithm", [retire(5)]],
    ["after the retirement of all of an algorithm", [retire(2), retire(4)]],
    ["after a reinstatement", [retire(1), retire(2), reinstate(2)]],
    ["after the reinstatement of one that is worse than the best", [retire(1), reinstate(1)]],
    ["after the reinstatement of the only one of its algorithm", [retire(6), reinstate(6)]],
    ["under another goal", [setPolicy({ metric: "f1", goal: "minimize" })]],
    ["under a metric that nobody has", [setPolicy({ metric: "recall", goal: "maximize" })]],
    ["under another metric with some retired", [retire(6), setPolicy({ metric: "f1", goal: "minimize" })]],
    ["of a project whose policy came first", []],
  ])("%s", (_, more) => {
    expectRanked(given(...MODELS, ...more).world.state);
    expectRanked(given(setPolicy({ minImprovement: 0 }), ...MODELS, ...more).world.state);
  });
  test("by the metric and goal that hold now", () => {
    const { state } = given(...MODELS, setPolicy({ metric: "f1", goal: "minimize" })).world;
    expect(state).toMatchObject({ ranking: { metric: "f1", goal: "minimize" }, everyone: { best: 6 } });
  });
  test("by its numbers", () => {
    const { state } = given(...MODELS, retire(1)).world;
    expect(state.everyone).toEqual({ count: 5, scored: 4, best: 2, latest: 6 });
    expect(lookUp(state.algorithms, "svm")).toEqual({ count: 2, scored: 1, best: 5, latest: 5 });
  });
});

describe("whom a rollback can return to is counted", () => {
  const everywhere = [1, 2, 3].flatMap((version) => [deployed(version), deployed(version, { environment: "staging" })]);
  test.each([
    ["where nothing is retired", []],
    ["without the retired", [retire(2)]],
    ["without the retired that was never deployed", [retire(5)]],
    ["with the reinstated", [retire(2), retire(3), reinstate(2)]],
    ["once for each model", [deployed(1), deployed(2), deployed(1)]],
    ["without the retired that is deployed by force", [retire(4), deployed(4)]],
    ["with one that is reinstated while it serves", [retire(4), deployed(4), reinstate(4)]],
  ])("%s", (_, more) => {
    const { state } = given(...MODELS, ...everywhere, ...more).world;
    expectReturnable(state);
    expectRanked(state);
  });
  test("by its numbers", () => {
    const { state } = given(...MODELS, deployed(1), deployed(2), deployed(1), retire(2)).world;
    expect(lookUp(state.environments, "production")).toMatchObject({
      deployed: { length: 3 },
      latestOf: [3, 2, 0, 0, 0, 0],
      distinct: 2,
      recent: [1, 2, 3],
      returnable: 1,
      returnableOf: { "=svm": 1, "=knn": 0 },
    });
  });
});

describe("the latest deployments", () => {
  test("are none of a model that was trained before the first that was deployed", () =>
    expect(lookUp(given(...MODELS, deployed(2)).world.state.environments, "production")?.latestOf).toEqual([
      0, 1, 0, 0, 0, 0,
    ]));
  test("are told from those that are out of date", () => {
    const { state } = given(...MODELS, deployed(1), deployed(2), deployed(1)).world;
    const environment = lookUp(state.environments, "production");
    if (environment === undefined) throw new Error("production");
    expect([0, 1, 2, 3, 4].map((number) => isLatest(environment, number))).toEqual([false, false, true, true, false]);
  });
  test("are swept once more than twice the models, and sixteen, are listed", () => {
    const recentAfter = (deployments: number) => {
      const history = Array.from({ length: deployments }, (_, index) => deployed((index % 2) + 1));
      return lookUp(given(...MODELS, ...history).world.state.environments, "production")?.recent;
    };
    expect(recentAfter(20)).toHaveLength(20);
    expect(recentAfter(21)).toEqual([20, 21]);
    expect(recentAfter(22)).toEqual([20, 21, 22]);
  });
});
