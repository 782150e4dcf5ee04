import type { Fault } from "./faults.ts";
import { type Report, run } from "./run.ts";
import type { Setting } from "./world.ts";

const MAX_RUNS = 250;

/** Settings that are a little smaller, the largest cuts first. */
function* smaller({ setting, drawn }: Report): Generator<Setting> {
  const { steps, clients, processes, projects, faults, spared } = setting;
  for (const part of [0.25, 0.5, 0.75, 0.9]) yield { ...setting, steps: Math.floor(steps * part) };
  if (steps > 1) yield { ...setting, steps: steps - 1 };
  if (projects > 1) yield { ...setting, projects: projects - 1 };
  if (clients > 1) yield { ...setting, clients: clients - 1 };
  if (processes > 1) yield { ...setting, processes: processes - 1 };
  for (const fault of Object.keys(faults) as Fault[]) {
    const { [fault]: _, ...others } = faults;
    yield { ...setting, faults: others };
  }
  if (setting.durables > 0) yield { ...setting, durables: setting.durables - 1 };
  if (setting.skewMs > 0) yield { ...setting, skewMs: 0 };
  for (let size = Math.ceil(drawn / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let first = 0; first < drawn; first += size) {
      const more = Array.from({ length: size }, (_, index) => first + index).filter((one) => !spared.has(one));
      if (more.length > 0) yield { ...setting, spared: new Set([...spared, ...more]) };
    }
  }
}

/** Cuts a failing world down to fewer steps, clients, processes and faults that still fail. */
export async function shrink(failing: Report): Promise<Report> {
  let smallest = failing;
  let runs = 0;
  for (let isSmaller = true; isSmaller && runs < MAX_RUNS; ) {
    isSmaller = false;
    for (const setting of smaller(smallest)) {
      if (++runs > MAX_RUNS) break;
      const report = await run(setting);
      if (report.violations.length === 0) continue;
      smallest = report;
      isSmaller = true;
      break;
    }
  }
  return smallest;
}
