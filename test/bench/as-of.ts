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
  const store = madeUpStore(WIDE);
  const ledger = new LocalLedger(store, {}, { readModel: sqliteReadModel(store, join(folder, "read-model")) });
  for (const [when, at] of [
    ["now", {}],
    ["at a time", { at: timeOf(70_000) }],
  ] as const) {
    const times = await timesOf(async () => {
      if ((await ledger.activeModels(at).toArray()).length !== WIDE.projects) throw new Error("not all were active");
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
