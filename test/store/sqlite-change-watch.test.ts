import { writeFileSync } from "node:fs";
import { expect, onTestFinished, test } from "vitest";
import { type Runtime, systemRuntime } from "../../src/runtime.ts";
import { watchForCommits } from "../../src/store/sqlite/change-watch.ts";
import { ledgerFile } from "./ledger-file.ts";

/** When it looks, on a clock that stands still, beside a file that is no database. */
function watched() {
  const path = ledgerFile();
  let count = 1;
  let changes = 0;
  let pending: { readonly delayMs: number; readonly look: () => void } | undefined;
  const runtime: Runtime = {
    ...systemRuntime(),
    after(delayMs, look) {
      const mine = { delayMs, look };
      pending = mine;
      return () => {
        if (pending === mine) pending = undefined;
      };
    },
  };
  const stop = watchForCommits(
    path,
    () => count,
    runtime,
    () => changes++,
  );
  onTestFinished(stop);
  return {
    stop,
    commit: () => count++,
    changes: () => changes,
    isWaiting: () => pending !== undefined,
    nextLookMs: () => pending?.delayMs,
    /** Lets the time pass until the next look. */
    look() {
      const due = pending;
      pending = undefined;
      due?.look();
      return due?.delayMs;
    },
    /** Writes to the log and waits until the file system has said so. */
    async write(suffix = "-wal") {
      writeFileSync(`${path}${suffix}`, String(Math.random()));
      while (pending?.delayMs !== 1) await new Promise((resolve) => setImmediate(resolve));
    },
  };
}

test("without a sign it looks once a second, in case one was lost", () => {
  const watch = watched();
  expect([watch.look(), watch.look()]).toEqual([1000, 1000]);
  watch.commit();
  watch.look();
  expect(watch.changes()).toBe(1);
});

test("after a sign it looks at once, and again ever more rarely: a write is visible only once it is synced", async () => {
  const watch = watched();
  await watch.write();
  const delaysMs = [watch.look(), watch.look(), watch.look(), watch.look(), watch.look()];
  expect(delaysMs).toEqual([1, 1, 2, 4, 8]);
  expect(watch.changes()).toBe(0);
  watch.commit();
  expect(watch.look()).toBe(16);
  expect(watch.changes()).toBe(1);
  while (watch.nextLookMs() !== 1000) watch.look();
  expect(watch.changes()).toBe(1);
});

test("another sign begins anew", async () => {
  const watch = watched();
  await watch.write();
  for (let count = 0; count < 6; count++) watch.look();
  expect(watch.nextLookMs()).toBe(32);
  await watch.write();
  expect([watch.look(), watch.look()]).toEqual([1, 1]);
});

test("once stopped it looks no more", async () => {
  const watch = watched();
  await watch.write();
  watch.stop();
  expect(watch.isWaiting()).toBe(false);
});
