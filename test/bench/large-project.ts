import { execFileSync } from "node:child_process";
import { join } from "node:path";
import type { Ledger } from "../../src/api/ledger.ts";
import { openLedger } from "../../src/index.ts";
import { systemRuntime } from "../../src/runtime.ts";
import { openStore } from "../../src/store/open-store.ts";
import { copyStream, historyOf } from "./fixtures.ts";
import { inFolder, median, micros, note, report, spread } from "./measure.ts";

/** Does a command cost more in a project of 100,000 models and deployments than in one of 10? And the first one? */
const LARGE = 100_000;
const SMALL = 10;
const RUNS = 5;
const COMMANDS = 300;

async function latencyMs(ledger: Ledger, project: string, strategy: "best_score" | "rollback"): Promise<number> {
  const times: number[] = [];
  for (let index = 0; index < COMMANDS; index++) {
    const start = performance.now();
    await ledger.deploy({ project, strategy });
    times.push(performance.now() - start);
  }
  return median(times);
}

await inFolder(async (folder) => {
  const url = `sqlite:${join(folder, "large.db")}`;
  const store = await openStore(url, systemRuntime());
  for (const [project, models] of [
    ["Small", SMALL],
    ["Large", LARGE],
  ] as const) {
    const count = await copyStream(await historyOf(project, models), store, `modelLedger-${project}`);
    note(`${project}: ${models} models, ${count} events`);
  }
  await store.close();
  const ledger = await openLedger(url);
  for (const strategy of ["best_score", "rollback"] as const) {
    await latencyMs(ledger, "Small", strategy);
    await latencyMs(ledger, "Large", strategy);
    const pairs: { readonly small: number; readonly large: number }[] = [];
    for (let run = 0; run < RUNS; run++) {
      pairs.push({
        small: await latencyMs(ledger, "Small", strategy),
        large: await latencyMs(ledger, "Large", strategy),
      });
    }
    report({
      question: `deploy ${strategy} in a project of 100,000 models, warm`,
      ours: `${micros(median(pairs.map(({ large }) => large)))} median latency`,
      peer: `the same in a project of 10: ${micros(median(pairs.map(({ small }) => small)))}`,
      ...spread(pairs.map(({ small, large }) => large / small)),
      unit: "× small",
      target: { atMost: 1.3 },
    });
  }
  await ledger.close();
  const first = join(import.meta.dirname, "first-command.ts");
  const timesMs: number[] = [];
  for (let run = 0; run < RUNS; run++) {
    timesMs.push(Number(execFileSync(process.execPath, [first, url, "Large"], { encoding: "utf8" })));
  }
  report({
    question: "first command on a project of 100,000 models in a fresh process (open, snapshot, tail, commit)",
    ours: `${Math.round(median(timesMs))} ms`,
    peer: "none",
    ...spread(timesMs),
    unit: "ms",
    target: { atMost: 300 },
  });
});
