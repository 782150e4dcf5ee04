import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { describe, expect, test } from "vitest";
import type { explore } from "./explore.ts";
import { MUTATIONS } from "./mutations.ts";
import { plant } from "./plant.ts";
import { run } from "./run.ts";
import { settingOf } from "./world.ts";

interface Regression {
  /** What holds since it was mended. */
  readonly claim: string;
  /** The bug as it was, by its name among the planted ones. */
  readonly bug: string;
  readonly seeds: readonly number[];
}

/** Found once, by the simulation or a soak, and mended: each seed lives through it, and fails with the bug put back. */
const REGRESSIONS: readonly Regression[] = [
  {
    claim: "a follower whose subscription failed goes on when the store is back",
    bug: "a follower gives up when its subscription fails",
    seeds: [2, 7],
  },
  {
    claim: "a race that was lost to an event which cannot be read yet is run again",
    bug: "a race that was lost to an event which cannot be read yet is passed on",
    seeds: [74],
  },
  {
    claim: "an answer about the past stays as it was given when another metric decides",
    bug: "the score of a past answer is by the metric of today",
    seeds: [38],
  },
];

describe.each(REGRESSIONS)("$claim", ({ bug, seeds }) => {
  test.each(seeds)("seed %d", async (seed) => {
    expect((await run(settingOf(seed))).violations).toEqual([]);
  });
  test.each(seeds)("seed %d fails with the bug put back", async (seed) => {
    const mutation = MUTATIONS.find((one) => one.bug === bug);
    if (mutation === undefined) throw new Error(`no planted bug is called "${bug}"`);
    const copy = plant(mutation);
    try {
      const planted = (await import(pathToFileURL(join(copy, "test/simulation/explore.ts")).href)) as {
        readonly explore: typeof explore;
      };
      const { failed } = await planted.explore({ first: seed, seeds: 1 }, 1);
      expect(failed.map((failure) => failure.seed)).toEqual([seed]);
    } finally {
      rmSync(copy, { recursive: true, force: true });
    }
  });
});

test.each(MUTATIONS)("there is one place in the sources to plant: $bug", ({ file, find }) => {
  expect(readFileSync(file, "utf8").split(find)).toHaveLength(2);
});
