import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const run = promisify(execFile);

/** In MiB. */
interface Heaps {
  readonly young: number;
  readonly most: number;
}

async function heaps(kind: "bounded" | "free"): Promise<Heaps> {
  const { stdout } = await run(process.execPath, [join(import.meta.dirname, "heaps-process.ts"), kind]);
  return JSON.parse(stdout) as Heaps;
}

test("the heaps of the service stay near what they need, where V8 would take more", { timeout: 60_000 }, async () => {
  const bounded = await heaps("bounded");
  const free = await heaps("free");
  expect(bounded.young).toBe(32);
  expect(free.young).toBeGreaterThan(bounded.young);
  expect(bounded.most).toBeLessThan(free.most); // by how much depends on what else the machine does
});
