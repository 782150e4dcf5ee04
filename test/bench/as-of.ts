import { join } from "node:path";
import { LocalLedger } from "../../src/api/local-ledger.ts";
import { sqliteReadModel } from "../../src/read-model/read-model.ts";
import { madeUpStore, timeOf } from "./made-up-log.ts";
import { inFolder, micros, report, spread } from "./measure.ts";

/** What was active then: in one project of 100,000 deployments, and everywhere in 10,000 projects? */
const LONG = { projects: 1, deployments: 100_000 };
const WIDE = { projects: 10_000, deployments: 100_000 };
const RUNS = 15;

async function timesOf(ask: (run: number) => PromiseLike<unknown>): Promise<number[]> {
  const times: number[] = [];
  for (let run = 0; run <= RUNS; run++) {
    const start = performance.now();
    await ask(run);
    if (run > 0) times.push(performance.now() - start);
  }
  return times;
}

const one = new LocalLedger(madeUpStore(LONG));
for (const by of ["recordedAt", "deployedAt"] as const) {
  const times = await timesOf((run) => one.activeModel("Project 0", { at: timeOf(run * 6_000 + 9), by }));
  report({
    question: `as of a time by ${by}, 100,000 deployments, warm`,
    ours: micros(spread(times).median),
    peer: "none",
    ...spread(times),
    unit: "ms",
    target: { atMost: 1 },
  });
}

await inFolder(async (folder) => {
  const growing = { ...WIDE };
  const store = madeUpStore(growing);
  const ledger = new LocalLedger(store, {}, { readModel: sqliteReadModel(store, join(folder, "read-model")) });
  // Never the same question of the same log twice: an answer that was kept would be of no use.
  const deployed = () => {
    growing.deployments += 1;
    return {};
  };
  for (const [when, filterOf] of [
    ["now", deployed],
    ["at a time", (run: number) => ({ at: timeOf(40_000 + run * 3_001) })],
  ] as const) {
    const times = await timesOf(async (run) => {
      const active = await ledger.activeModels(filterOf(run)).toArray();
      if (active.length !== WIDE.projects) throw new Error("not all were active");
    });
    report({
      question: `active everywhere ${when}, 10,000 projects`,
      ours: `${spread(times).median.toFixed(0)} ms`,
      peer: "none",
      ...spread(times),
      unit: "ms",
      target: { atMost: 100 },
    });
  }
  await ledger.close();
});
