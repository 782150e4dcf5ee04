import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { run } from "./run.ts";
import { settingOf } from "./world.ts";

async function traceOf(seed: number): Promise<readonly string[]> {
  const lines: string[] = [];
  await run(settingOf(seed), (line) => lines.push(line));
  return lines;
}

test("the same seed lives the same life, to the byte", async () => {
  for (const seed of [1, 7, 42]) {
    const lines = await traceOf(seed);
    expect(lines.length).toBeGreaterThan(20);
    expect(await traceOf(seed)).toEqual(lines);
  }
});

test("the same seed lives the same life in another process", async () => {
  const [node = process.execPath, script] = [process.execPath, "test/simulation/simulate.ts"];
  const told = execFileSync(node, [script, "--seed", "7", "--trace"], { encoding: "utf8" });
  expect(told.split("\n").slice(0, -3)).toEqual(await traceOf(7));
});

test.each([152184245, 152189077])(
  "a command repeated with its defaults left out is the same command: seed %d",
  async (seed) => {
    expect((await run(settingOf(seed))).violations).toEqual([]);
  },
);

test("another seed lives another life", async () => {
  expect(await traceOf(8)).not.toEqual(await traceOf(9));
});
