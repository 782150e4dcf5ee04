import { expect, test } from "vitest";
import { sqliteThread } from "../../src/sqlite/thread.ts";
import { beside } from "../../src/sqlite/worker.ts";
import type { Turning } from "./turning-thread.ts";

test("a busy thread lets its event loop turn: what the driver frees waits for that, and was never freed before", async () => {
  const thread = sqliteThread<Turning>(beside(import.meta.url, "turning-thread"), { path: "none", lockTimeoutMs: 0 });
  const done: number[] = [];
  for (let call = 0; call < 200; call++) done.push(await thread.call("ask"));
  await thread.stop();
  expect(done.at(-1)).toBeGreaterThanOrEqual(128);
});
