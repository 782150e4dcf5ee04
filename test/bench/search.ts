import { join } from "node:path";
import { LocalLedger } from "../../src/api/local-ledger.ts";
import type { DeploymentsFilter } from "../../src/index.ts";
import { sqliteReadModel } from "../../src/read-model/read-model.ts";
import { eventsIn, madeUpStore, positionOf, timeOf } from "./made-up-log.ts";
import { inFolder, note, perSecond, report, spread } from "./measure.ts";

/** How long does a page of 50 out of a million deployments take, by every kind of filter? DEPLOYMENTS=… for fewer. */
const shape = { projects: 10_000, deployments: Number(process.env.DEPLOYMENTS ?? 1_000_000) };
const RUNS = 15;
const half = shape.deployments / 2;

const SEARCHES: readonly (readonly [what: string, filter: DeploymentsFilter])[] = [
  ["no filter", {}],
  ["actor", { actor: "ann" }],
  ["four fields at once", { actor: "ann", strategy: "rollback", environment: "staging", algorithm: "svm" }],
  ["what never happened", { strategy: "specific", actor: "ann" }],
  ["one project", { project: "Project 77", strategy: "rollback" }],
  ["strategy, oldest first", { strategy: "rollback", order: "asc" }],
  ["artifact digest", { artifactDigest: "sha256:77" }],
  ["text in many reasons", { reason: "WEEKLY" }],
  ["text in one reason", { reason: `ticket ${half - (half % 5)}` }],
  ["text in none", { reason: "zebra crossing" }],
  ["two that come often, never together", { reason: "weekly", strategy: "rollback", environment: "staging" }],
  ["text in 200,000 reasons, and an actor", { reason: "ticket", actor: "engineer-7" }],
  ["text in 200,000 reasons, of one artifact", { reason: "ticket", artifactDigest: "sha256:77" }],
  ["two letters, which no index knows", { reason: "zq" }],
  ["one actor, oldest first, all of the time", { actor: "ann", order: "asc", from: timeOf(0), to: timeOf(2 * half) }],
  ["a reason that was not given then", { reason: "ticket 7", to: timeOf(half / 2), strategy: "rollback" }],
  ["a time window and an actor", { from: timeOf(half), to: timeOf(half + 50_000), actor: "bob" }],
  ["a page in the middle", { after: positionOf(half), strategy: "rollback" }],
];

await inFolder(async (folder) => {
  const store = madeUpStore(shape);
  const readModel = sqliteReadModel(store, join(folder, "read-model"));
  const ledger = new LocalLedger(store, {}, { readModel });
  let [worst, last] = [0, performance.now()];
  const ticks = setInterval(() => {
    const now = performance.now();
    worst = Math.max(worst, now - last - 10);
    last = now;
  }, 10);
  const start = performance.now();
  await readModel.catchUp();
  clearInterval(ticks);
  const events = eventsIn(shape);
  note(
    `made: ${perSecond((events / (performance.now() - start)) * 1_000)} events, main thread late by ${worst.toFixed(0)} ms at most`,
  );
  for (const [what, filter] of SEARCHES) {
    const times: number[] = [];
    for (let run = 0; run <= RUNS; run++) {
      const begun = performance.now();
      await ledger.deployments({ ...filter, limit: 50 });
      if (run > 0) times.push(performance.now() - begun);
    }
    const measured = spread(times);
    report({
      question: `a page of ${shape.deployments.toLocaleString("en")} deployments: ${what}`,
      ours: `${measured.median.toFixed(1)} ms`,
      peer: "none",
      ...measured,
      unit: "ms",
      target: { atMost: 50 },
    });
  }
  await ledger.close();
});
