import { describe, expect, test } from "vitest";
import type { KeyMetric } from "../../projections/scores.ts";
import { ServingTimes } from "../../src/domain/serving-times.ts";

/** How two histories of one environment compare over time: who served when, and with what score. */

const HOUR = 3_600_000;
const at = (hour: number) => new Date(Date.UTC(2026, 2, 1, hour)).toISOString();

/** From an hour on in an environment: the version that served, and the one that would have. */
type Change = readonly [
  hour: number,
  actual: number | undefined,
  alternative: number | undefined,
  environment?: string,
];

const UP: KeyMetric = { metric: "f1", goal: "maximize" };
const DOWN: KeyMetric = { metric: "loss", goal: "minimize" };
/** By version; a model without a score has none. */
const SCORES = [0.5, 0.75, null, 1, 0.5] as const;

function scoreOf(version: number): number | null {
  const score = SCORES[version - 1];
  if (score === undefined) throw new Error(`there is no version ${version}`);
  return score;
}

function timesOf(changes: readonly Change[], end: number, key = UP) {
  const times = new ServingTimes();
  for (const [hour, actual, alternative, environment = "production"] of changes) {
    times.change(environment, at(hour), { actual, alternative });
  }
  return times.until(at(end), key, scoreOf);
}

const NOTHING_TO_COMPARE = { comparedMs: 0, scoreHours: 0, meanDifference: null, isBetter: null };

describe("two histories", () => {
  test("in which nothing was deployed have no environments", () => expect(timesOf([], 9)).toEqual([]));
  test("of the same model do not differ", () =>
    expect(timesOf([[0, 1, 1]], 3)).toEqual([
      { environment: "production", totalMs: 3 * HOUR, differsMs: 0, ...NOTHING_TO_COMPARE },
    ]));
  test("of two models differ for as long as these serve, by their scores", () =>
    expect(timesOf([[0, 1, 2]], 4)).toEqual([
      {
        environment: "production",
        totalMs: 4 * HOUR,
        differsMs: 4 * HOUR,
        comparedMs: 4 * HOUR,
        scoreHours: 1,
        meanDifference: 0.25,
        isBetter: true,
      },
    ]));
  test("differ where there would have been no model, and are not compared", () =>
    expect(timesOf([[0, 1, undefined]], 2)).toEqual([
      { environment: "production", totalMs: 2 * HOUR, differsMs: 2 * HOUR, ...NOTHING_TO_COMPARE },
    ]));
  test("differ where there was no model, and are not compared", () =>
    expect(timesOf([[0, undefined, 2]], 2)).toEqual([
      { environment: "production", totalMs: 2 * HOUR, differsMs: 2 * HOUR, ...NOTHING_TO_COMPARE },
    ]));
  test.each([
    ["the one that was", 3, 2],
    ["the one that would have been", 2, 3],
  ])("are not compared where %s has no score", (_, actual, alternative) =>
    expect(timesOf([[0, actual, alternative]], 1)).toEqual([
      { environment: "production", totalMs: HOUR, differsMs: HOUR, ...NOTHING_TO_COMPARE },
    ]),
  );
  test("go on as they were where a change names only one of them", () =>
    expect(
      timesOf(
        [
          [0, 1, 1],
          [1, undefined, 2],
          [2, 4, undefined],
        ],
        3,
      ),
    ).toMatchObject([
      // An hour of 1 beside 2, which is better by 0.25, and one of 4 beside 2, which is worse by as much.
      { totalMs: 3 * HOUR, differsMs: 2 * HOUR, comparedMs: 2 * HOUR, scoreHours: 0, meanDifference: 0 },
    ]));
  test("are counted together where the same two serve again", () =>
    expect(
      timesOf(
        [
          [0, 1, 2],
          [1, 1, 1],
          [3, 1, 2],
        ],
        6,
      ),
    ).toMatchObject([{ totalMs: 6 * HOUR, differsMs: 4 * HOUR, comparedMs: 4 * HOUR, scoreHours: 1 }]));
  test("are compared on average over the time that can be compared", () =>
    expect(
      timesOf(
        [
          [0, 1, 3],
          [2, 1, 2],
          [3, 1, 4],
        ],
        4,
      ),
    ).toMatchObject([
      { totalMs: 4 * HOUR, differsMs: 4 * HOUR, comparedMs: 2 * HOUR, scoreHours: 0.75, meanDifference: 0.375 },
    ]));
  test("are told by environment, in the order of the names, each from its first deployment on", () =>
    expect(
      timesOf(
        [
          [0, 1, 1, "staging"],
          [1, 1, 2],
          [2, 2, 2, "canary"],
        ],
        3,
      ),
    ).toMatchObject([
      { environment: "canary", totalMs: HOUR, differsMs: 0 },
      { environment: "production", totalMs: 2 * HOUR, differsMs: 2 * HOUR },
      { environment: "staging", totalMs: 3 * HOUR, differsMs: 0 },
    ]));
});

describe("what would have been is", () => {
  test.each([
    ["better by more of what is to be maximized", 1, 2, UP, true],
    ["worse by less of it", 2, 1, UP, false],
    ["worse by more of what is to be minimized", 1, 2, DOWN, false],
    ["better by less of it", 2, 1, DOWN, true],
    ["neither where another model has the same score", 1, 5, UP, null],
    ["neither where it has the same score of what is to be minimized", 1, 5, DOWN, null],
  ] as const)("%s", (_, actual, alternative, key, isBetter) =>
    expect(timesOf([[0, actual, alternative]], 1, key)).toMatchObject([{ comparedMs: HOUR, isBetter }]),
  );
});

describe("the time that is counted", () => {
  test("ends where it is asked to end, also before a later deployment", () => {
    expect(timesOf([[0, 1, 2]], 0)).toMatchObject([{ totalMs: 0, differsMs: 0 }]);
    expect(timesOf([[5, 1, 2]], 3)).toMatchObject([{ totalMs: 0, differsMs: 0 }]);
  });
  test("never goes back: of a clock that does, the hours are not counted twice", () =>
    expect(
      timesOf(
        [
          [4, 1, 2],
          [2, 1, 1],
        ],
        6,
      ),
    ).toMatchObject([{ totalMs: 2 * HOUR, differsMs: 0 }]));
  test("does not begin before something is deployed in either history", () =>
    expect(
      timesOf(
        [
          [0, undefined, undefined],
          [2, 1, 1],
        ],
        3,
      ),
    ).toMatchObject([{ totalMs: HOUR, differsMs: 0 }]));
});
