import type { Exploration } from "./explore.ts";
import { addReport, noFigures } from "./figures.ts";
import { run } from "./run.ts";
import { settingOf } from "./world.ts";

/** A worker of `explore`: runs its share of the seeds and tells what they covered, a batch at a time. */
Error.stackTraceLimit = 0; // refusals are frequent, and who looks at a failure runs its seed again
const MAX_SEED = 2 ** 32;
const BATCH = 20;
const [text = "{}", index = "0", workers = "1"] = process.argv.slice(2);
const { first, seeds = Number.POSITIVE_INFINITY, seconds, isOverAtFailure } = JSON.parse(text) as Exploration;
const end = seconds === undefined ? Number.POSITIVE_INFINITY : performance.now() + seconds * 1000;

let figures = noFigures();
for (let at = Number(index); at < seeds && performance.now() < end; at += Number(workers)) {
  addReport(figures, await run(settingOf((first + at) % MAX_SEED)));
  if (figures.seeds < BATCH && !(isOverAtFailure && figures.failed.length > 0)) continue;
  process.send?.(figures);
  figures = noFigures();
  await new Promise(setImmediate); // what is sent goes out between two worlds
}
// Processes that were killed in there left holds on the event loop.
process.send?.(figures, () => process.exit());
