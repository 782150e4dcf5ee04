import { FAULT_NAMES, type Fault } from "./faults.ts";
import type { Report } from "./run.ts";

const DAY_MS = 24 * 3_600_000;

/** What a number of runs covered. Plain data: workers send it to the process that started them. */
export interface Figures {
  seeds: number;
  commands: number;
  events: number;
  questions: number;
  conflicts: number;
  virtualMs: number;
  readonly faults: { [fault in Fault]?: number };
  readonly failed: Failure[];
}

interface Failure {
  readonly seed: number;
  /** The first thing that was wrong. */
  readonly why: string;
}

export const noFigures = (): Figures => ({
  seeds: 0,
  commands: 0,
  events: 0,
  questions: 0,
  conflicts: 0,
  virtualMs: 0,
  faults: {},
  failed: [],
});

export function addReport(figures: Figures, report: Report): void {
  figures.seeds += 1;
  figures.commands += report.commands;
  figures.events += report.events;
  figures.questions += report.questions;
  figures.conflicts += report.conflicts;
  figures.virtualMs += report.virtualMs;
  for (const [fault, count] of report.faults) figures.faults[fault] = (figures.faults[fault] ?? 0) + count;
  const [why] = report.violations;
  if (why !== undefined) figures.failed.push({ seed: report.setting.seed, why });
}

export function addFigures(sum: Figures, more: Figures): void {
  sum.seeds += more.seeds;
  sum.commands += more.commands;
  sum.events += more.events;
  sum.questions += more.questions;
  sum.conflicts += more.conflicts;
  sum.virtualMs += more.virtualMs;
  for (const fault of FAULT_NAMES) {
    const count = (sum.faults[fault] ?? 0) + (more.faults[fault] ?? 0);
    if (count > 0) sum.faults[fault] = count;
  }
  sum.failed.push(...more.failed);
}

const count = (number: number): string => number.toLocaleString("en");

export function describeFigures(figures: Figures, seconds: number): string {
  const { seeds, commands, events, questions, conflicts, virtualMs, faults, failed } = figures;
  const widest = Math.max(...FAULT_NAMES.map((fault) => fault.length));
  const table = FAULT_NAMES.map((fault) => `  ${fault.padEnd(widest)} ${count(faults[fault] ?? 0).padStart(9)}`);
  return [
    `${count(seeds)} seeds in ${seconds.toFixed(1)} s (${(seeds / seconds).toFixed(1)} a second), ${failed.length} of them failed`,
    `${count(commands)} attempts of commands, ${count(events)} events, ${count(questions)} questions checked, ` +
      `${count(conflicts)} lost races, ${(virtualMs / DAY_MS).toFixed(1)} virtual days`,
    "faults:",
    ...table,
  ].join("\n");
}
