import { join } from "node:path";
import { openLedger } from "../../src/index.ts";
import { bareDriver, commandsOf, rowsOf } from "./bare-driver.ts";
import { training } from "./fixtures.ts";
import { inFlight, inFolder, perSecond, rate, report, spread } from "./measure.ts";

/** How fast are durable commands, against the bare driver inserting the same rows with the same batching? */
const RUNS = 5;
const PROJECTS = 64;

interface Pair {
  readonly ours: number;
  readonly bare: number;
}

async function pair(count: number, width: number): Promise<Pair> {
  return inFolder(async (folder) => {
    const path = join(folder, "ours.db");
    const ledger = await openLedger(`sqlite:${path}`);
    const command = (index: number) => {
      const project = `Project ${index % PROJECTS}`;
      if (index < PROJECTS * 2 || index % 2 === 0) return ledger.recordTraining(training(project, index));
      return ledger.deploy({ project, strategy: index % 4 === 1 ? "best_score" : "most_recent" });
    };
    const warmUp = PROJECTS * 4;
    await inFlight(warmUp, width, command);
    const ours = await rate(count, () => inFlight(count, width, (index) => command(index + warmUp)));
    await ledger.close();
    const commands = commandsOf(rowsOf(path)).slice(warmUp);
    const bare = bareDriver(join(folder, "bare.db"), path);
    const floor = await rate(commands.length, () => {
      for (let at = 0; at < commands.length; at += width) bare.many(commands.slice(at, at + width).flat());
    });
    bare.close();
    return { ours, bare: floor };
  });
}

async function compare(question: string, count: number, width: number, atLeast: number): Promise<void> {
  const pairs: Pair[] = [];
  for (let run = 0; run < RUNS; run++) pairs.push(await pair(count, width));
  const ratios = spread(pairs.map(({ ours, bare }) => ours / bare));
  report({
    question,
    ours: `${perSecond(spread(pairs.map(({ ours }) => ours)).median)} commands`,
    peer: `bare better-sqlite3, same rows and batching: ${perSecond(spread(pairs.map(({ bare }) => bare)).median)}`,
    ...ratios,
    unit: "× bare",
    target: { atLeast },
  });
}

await compare("durable commands, 64 in flight over 64 projects", 20_000, 64, 0.6);
await compare("durable commands, one at a time", 2_500, 1, 0.7);
