import { rmSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { explore } from "./explore.ts";
import { MUTATIONS, type Mutation } from "./mutations.ts";
import { plant } from "./plant.ts";

/**
 * Proves the prover: plants each bug in a copy of the sources and lets the fixed seeds of CI look for it.
 *
 *   npm run simulate:prove -- [words of the bugs to try]
 */
const SEEDS = 2_000;
const MAX_SECONDS = 180;

async function search(mutation: Mutation): Promise<{ readonly row: string; readonly isFound: boolean }> {
  const copy = plant(mutation);
  try {
    const planted = (await import(pathToFileURL(join(copy, "test/simulation/explore.ts")).href)) as {
      readonly explore: typeof explore;
    };
    const start = performance.now();
    const figures = await planted.explore({ first: 1, seeds: SEEDS, seconds: MAX_SECONDS, isOverAtFailure: true });
    const seconds = ((performance.now() - start) / 1000).toFixed(1);
    const [failure] = figures.failed.toSorted((a, b) => a.seed - b.seed);
    const found = failure ? `seed ${failure.seed} | ${seconds} s | ${failure.why}` : `**not found** | ${seconds} s |`;
    return {
      row: `| ${mutation.bug} | ${found.replaceAll("\n", " ").slice(0, 230)} |`,
      isFound: failure !== undefined,
    };
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

const words = process.argv.slice(2).join(" ");
const chosen = MUTATIONS.filter(({ bug }) => bug.includes(words));
console.log("| planted bug | found by | in | as |\n|---|---|---|---|");
let found = 0;
for (const mutation of chosen) {
  const { row, isFound } = await search(mutation);
  console.log(row);
  if (isFound) found += 1;
}
console.log(`\n${found} of ${chosen.length} planted bugs found`);
if (found < chosen.length) process.exitCode = 1;
