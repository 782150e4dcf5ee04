import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import type { Result } from "./measure.ts";
import { sqliteVersion } from "./sqlite-version.ts";

/**
 * Runs the benchmarks, each in a process of its own: `npm run bench`, or `npm run bench -- appends folding`.
 * With `--write`, a full run becomes test/bench/RESULTS.md.
 */
const ALL = [
  "appends",
  "large-project",
  "active-model",
  "folding",
  "subscribers",
  "emmett",
  "steps",
  "search",
  "as-of",
  "verify",
  "http-active",
  "http-deployments",
  "http-events",
  "eventstoredb-appends",
  "eventstoredb-reading",
  "eventstoredb-subscriber",
  "eventstoredb-large-project",
] as const;

const asked = process.argv.slice(2).filter((argument) => !argument.startsWith("--"));
const names = asked.length > 0 ? asked : ALL;
const results: Result[] = [];
for (const name of names) {
  console.error(`${name} …`);
  const { stdout, status } = spawnSync(process.execPath, [join(import.meta.dirname, `${name}.ts`)], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
    maxBuffer: 16 * 1024 * 1024,
  });
  for (const line of stdout.split("\n").filter(Boolean)) {
    const result = JSON.parse(line) as Result;
    results.push(result);
    console.error(`  ${verdict(result)} ${result.question}: ${result.ours} · ${result.peer} · ${inWords(result)}`);
  }
  if (status !== 0) {
    console.error(`${name} failed with ${status}`);
    process.exitCode = 1;
  }
}
if (process.argv.includes("--write")) writeResults();

function rounded(value: number): string {
  return value >= 1_000 ? Math.round(value).toLocaleString("en") : value.toPrecision(3);
}

function inWords({ median, min, max, unit }: Result): string {
  return `${rounded(median)} ${unit} (${rounded(min)} to ${rounded(max)})`;
}

function isMet({ median, target }: Result): boolean | undefined {
  if (target === undefined) return undefined;
  return "atLeast" in target ? median >= target.atLeast : median <= target.atMost;
}

function verdict(result: Result): string {
  const met = isMet(result);
  return met === undefined ? "·" : met ? "reached" : "MISSED";
}

function targetInWords({ target }: Result): string {
  if (target === undefined) return "–";
  return "atLeast" in target ? `≥ ${rounded(target.atLeast)}` : `≤ ${rounded(target.atMost)}`;
}

function writeResults(): void {
  const { version } = JSON.parse(readFileSync(join(import.meta.dirname, "../../package.json"), "utf8")) as {
    readonly version: string;
  };
  const rows = results.map(
    (result) =>
      `| ${result.question} | ${result.ours} | ${result.peer} | ${inWords(result)} | ${targetInWords(result)} | ${verdict(result)} |`,
  );
  writeFileSync(
    join(import.meta.dirname, "RESULTS.md"),
    `# What was measured

model-ledger ${version}, ${new Date().toISOString().slice(0, 10)}, \`npm run bench -- --write\`. ${cpus().length} × ${cpus()[0]?.model ?? "unknown processor"} (shared
virtual machine), Node ${process.versions.node}, SQLite ${sqliteVersion()}, WAL with \`synchronous=FULL\`: one fsync a commit. Each figure is
the median of several runs with the least and the most beside it; what is compared was run in turn in the same process.
Absolute figures move by a factor of two with the machine's other guests: look at the ratios.

| question | ours | floor or peer | median (spread) | target | |
|---|---|---|---|---|---|
${rows.join("\n")}
`,
  );
}
