import { join } from "node:path";
import { openLedger } from "../../src/index.ts";
import { training } from "./fixtures.ts";
import { inFolder, perSecond, rate, report, spread } from "./measure.ts";

/** How many warm `activeModel` questions a second, each of which sees every commit before it? */
const RUNS = 7;
const CALLS = 300_000;

await inFolder(async (folder) => {
  const ledger = await openLedger(`sqlite:${join(folder, "ledger.db")}`);
  const project = "Digits";
  for (let index = 0; index < 20; index++) await ledger.recordTraining(training(project, index));
  const ask = async () => {
    for (let index = 0; index < CALLS; index++) await ledger.activeModel(project);
  };
  await ask();
  const rates: number[] = [];
  for (let run = 0; run < RUNS; run++) rates.push(await rate(CALLS, ask));
  const { median } = spread(rates);
  report({
    question: "activeModel, warm, one after the other",
    ours: perSecond(median),
    peer: "none",
    ...spread(rates),
    unit: "/s",
    target: { atLeast: 300_000 },
  });
  const follower = await ledger.follow(project);
  const reads: number[] = [];
  for (let run = 0; run < RUNS; run++) {
    let sum = 0;
    reads.push(
      await rate(CALLS, () => {
        for (let index = 0; index < CALLS; index++) sum += follower.current?.version ?? 0;
      }),
    );
    if (sum === 0) throw new Error("nothing was active");
  }
  report({
    question: "follow().current",
    ours: perSecond(spread(reads).median),
    peer: "none",
    ...spread(reads),
    unit: "/s",
    target: undefined,
  });
  await ledger.close();
});
