import { getHeapSpaceStatistics, getHeapStatistics } from "node:v8";
import { boundHeaps } from "../../src/observability/bounded-heaps.ts";

/**
 * Lives as a service does, in haste: keeps some objects for good, many for a while, and drops most at once. Prints how
 * large its heaps have become, in MiB. `argv[2]`: "bounded" or "free".
 */
const STEPS = 1_500;
const KEPT_FOR_A_WHILE = 1_000;
const MEBIBYTE = 1_048_576;

const objects = (count: number) => Array.from({ length: count }, (_, index) => ({ index }));

if (process.argv[2] === "bounded") boundHeaps();
const kept = Array.from({ length: 1_000 }, () => objects(400));
const passing: (readonly object[])[] = [];
let most = 0;
for (let step = 0; step < STEPS; step++) {
  for (let index = 0; index < 60; index++) passing.push(objects(200));
  passing.splice(0, passing.length - KEPT_FOR_A_WHILE);
  most = Math.max(most, getHeapStatistics().total_heap_size);
  await new Promise(setImmediate); // observers are told between turns
}
const young = getHeapSpaceStatistics().find(({ space_name }) => space_name === "new_space")?.space_size ?? Number.NaN;
console.log(JSON.stringify({ kept: kept.length, young: young / MEBIBYTE, most: most / MEBIBYTE }));
