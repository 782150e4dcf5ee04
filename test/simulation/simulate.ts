import { parseArgs } from "node:util";
import { explore } from "./explore.ts";
import { describeFigures } from "./figures.ts";
import { run } from "./run.ts";
import { shrink } from "./shrink.ts";
import { type Setting, settingOf } from "./world.ts";

const HELP = `Simulates ledgers, clients and a store in which everything goes wrong that can.

  npm run simulate -- --seed N [--steps M]   one world; a failing one is cut down and told step by step
  npm run simulate -- --seed N --trace       told step by step also when nothing fails
  npm run simulate -- --seeds N [--first F]  so many worlds, from seed F (1) on
  npm run simulate -- --minutes 10           new worlds for so long
  npm run simulate -- --ci                   2,000 fixed worlds, then a minute of new ones`;

const CI_SEEDS = 2_000;
const CI_FRESH_SECONDS = 60;

const { values } = parseArgs({
  options: {
    seed: { type: "string" },
    steps: { type: "string" },
    seeds: { type: "string" },
    first: { type: "string", default: "1" },
    minutes: { type: "string" },
    ci: { type: "boolean", default: false },
    trace: { type: "boolean", default: false },
    help: { type: "boolean", short: "h", default: false },
  },
});

function number(name: string, text: string): number {
  const value = Number(text);
  if (!(Number.isFinite(value) && value > 0)) throw new RangeError(`--${name} must be a number above 0, not "${text}"`);
  return value;
}

function describeSetting({ seed, store, processes, clients, projects, steps, faults, spared }: Setting): string {
  const kinds = Object.keys(faults).join(", ") || "none";
  return `seed ${seed}: ${store}, ${processes} processes, ${clients} clients, ${projects} projects, ${steps} steps; faults: ${kinds}; ${spared.size} of them spared`;
}

/** Runs one world; when it fails, a smaller one that fails too, with its trace. */
async function tell(setting: Setting, isTraced: boolean): Promise<boolean> {
  const report = await run(setting, isTraced ? (line) => console.log(line) : undefined);
  console.log(describeSetting(setting));
  if (report.violations.length === 0) {
    console.log(`nothing wrong in ${report.commands} attempts and ${report.events} events`);
    return true;
  }
  const smallest = await shrink(report);
  console.log(`\nIt fails. The smallest world found that fails: ${describeSetting(smallest.setting)}\n`);
  await run(smallest.setting, (line) => console.log(line));
  console.log(`\nReplay: npm run simulate -- --seed ${setting.seed} --steps ${setting.steps}`);
  return false;
}

async function cover(title: string, exploration: Parameters<typeof explore>[0]): Promise<boolean> {
  const start = performance.now();
  console.log(title);
  const figures = await explore(exploration);
  console.log(describeFigures(figures, (performance.now() - start) / 1000));
  const failed = figures.failed.toSorted((a, b) => a.seed - b.seed);
  const [first] = failed;
  if (first === undefined) return true;
  for (const { seed, why } of failed) console.log(`seed ${seed}: ${why}`);
  await tell(settingOf(first.seed), false);
  return false;
}

async function main(): Promise<boolean> {
  const fresh = Math.floor(Math.random() * 2 ** 32);
  if (values.help) {
    console.log(HELP);
    return true;
  }
  if (values.ci) {
    const isFixedRight = await cover(`${CI_SEEDS} fixed seeds`, { first: 1, seeds: CI_SEEDS });
    const seconds = CI_FRESH_SECONDS;
    return (await cover(`${seconds} s of fresh seeds, from ${fresh} on`, { first: fresh, seconds })) && isFixedRight;
  }
  if (values.minutes !== undefined) {
    const seconds = 60 * number("minutes", values.minutes);
    return cover(`${values.minutes} minutes of fresh seeds, from ${fresh} on`, {
      first: fresh,
      seconds,
    });
  }
  if (values.seeds !== undefined) {
    const [first, seeds] = [number("first", values.first), number("seeds", values.seeds)];
    return cover(`${seeds} seeds, from ${first} on`, { first, seeds });
  }
  const seed = values.seed === undefined ? fresh : number("seed", values.seed);
  const steps = values.steps === undefined ? undefined : number("steps", values.steps);
  return tell(settingOf(seed, steps), values.trace);
}

const isRight = await main();
process.stdout.write("", () => process.exit(isRight ? 0 : 1)); // processes killed in there left holds on the event loop
