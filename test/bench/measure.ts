import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** One answered question: what was measured, against what, and whether the target was reached. */
export interface Result {
  readonly question: string;
  /** Ours and the floor or peer, in words with units. */
  readonly ours: string;
  readonly peer: string;
  /** What is compared with the target: the median of the runs, then the least and the most. */
  readonly median: number;
  readonly min: number;
  readonly max: number;
  readonly unit: string;
  readonly target: { readonly atLeast: number } | { readonly atMost: number } | undefined;
}

/** Sorted middle; of an even count the lower of the two. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[(sorted.length - 1) >> 1] ?? Number.NaN;
}

export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

export function spread(values: readonly number[]) {
  return { median: median(values), min: Math.min(...values), max: Math.max(...values) };
}

/** How many a second, when `action` does `count` of them. */
export async function rate(count: number, action: () => unknown): Promise<number> {
  const start = performance.now();
  await action();
  return (count / (performance.now() - start)) * 1_000;
}

export const perSecond = (value: number): string => `${Math.round(value).toLocaleString("en")}/s`;
export const micros = (ms: number): string => `${Math.round(ms * 1_000).toLocaleString("en")} µs`;

const TICKS_PER_SECOND = 100;

/** What a process has taken of the processors until now, by the Linux kernel's count. */
export function cpuSeconds(pid: number): number {
  const afterName = readFileSync(`/proc/${pid}/stat`, "utf8")
    .replace(/^.*\) /s, "")
    .split(" ");
  const [user, system] = afterName.slice(11, 13).map(Number);
  return ((user ?? 0) + (system ?? 0)) / TICKS_PER_SECOND;
}

/** Tells `run.ts`, which prints and collects it. */
export function report(result: Result): void {
  process.stdout.write(`${JSON.stringify(result)}\n`);
}

export function note(text: string): void {
  process.stderr.write(`  ${text}\n`);
}

/** Runs `action` with a new folder on the disk that tests use, and takes it away again. */
export async function inFolder<Value>(action: (folder: string) => Promise<Value>): Promise<Value> {
  const folder = mkdtempSync(join(tmpdir(), "model-ledger-bench-"));
  try {
    return await action(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Runs `count` numbered tasks, `width` of them under way at any time. */
export async function inFlight(count: number, width: number, task: (index: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  const lane = async () => {
    for (let index = next++; index < count; index = next++) await task(index);
  };
  await Promise.all(Array.from({ length: width }, lane));
}
