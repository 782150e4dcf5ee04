import { spawnSync } from "node:child_process";
import { chmodSync } from "node:fs";
import { dirname } from "node:path";
import Database from "better-sqlite3";
import { expect, onTestFinished, test } from "vitest";
import { systemRuntime } from "../../src/runtime.ts";
import { type SqliteEventStore, sqliteEventStore } from "../../src/store/sqlite.ts";
import { CHILD, startChild } from "./child-process.ts";
import { all, collect, event, listen, range } from "./events.ts";
import { ledgerFile } from "./ledger-file.ts";

/** Several processes, some of them ending badly, on one file. */

async function open(path: string): Promise<SqliteEventStore> {
  const store = await sqliteEventStore(path, systemRuntime());
  onTestFinished(() => store.close());
  return store;
}

test("processes that create the file at once and race on one stream lose no update and see no lock", async () => {
  const path = ledgerFile();
  const children = range(3).map(() => startChild("race", path));
  expect(await Promise.all(children.map(({ exit }) => exit))).toEqual([0, 0, 0]);
  const events = await collect((await open(path)).readStream("shared"));
  expect(events.map(({ revision }) => Number(revision))).toEqual(range(120));
});

test("killed in mid-write, again and again: all that was acknowledged is there, and nothing half-written", async () => {
  const path = ledgerFile();
  const acknowledged: unknown[] = [];
  for (const round of range(15)) {
    const child = startChild("writePairs", path);
    await child.message(1 + Math.floor(Math.random() * 40) * (round % 2));
    child.process.kill("SIGKILL");
    expect(await child.exit).toBe("SIGKILL");
    acknowledged.push(...child.messages);
  }
  const events = await all(await open(path));
  const byStream = Map.groupBy(events, ({ stream }) => stream);
  for (const history of byStream.values()) {
    expect(history.map(({ revision }) => Number(revision))).toEqual(range(history.length));
    expect(history.length % 2).toBe(0);
  }
  const found = new Set(events.map(({ stream, revision, position }) => `${stream} ${revision} ${position}`));
  const told = acknowledged as { stream: string; revision: string; position: string }[];
  expect(told.length).toBeGreaterThanOrEqual(15);
  for (const { stream, revision, position } of told) expect(found).toContain(`${stream} ${revision} ${position}`);
});

test("a subscriber sees another process's appends within 100 ms (99 of 100), and changeCount() sees them at once", async () => {
  const store = await open(ledgerFile());
  const live = await listen(store, { after: "end" });
  const child = startChild("appendWhenTold", store.address.slice("sqlite:".length));
  await child.message(0);
  const latenciesMs: number[] = [];
  for (const round of range(50)) {
    const before = store.changeCount();
    const seen = live.take(1).then(() => performance.timeOrigin + performance.now());
    child.process.send("append");
    const committedAt = (await child.message(round + 1)) as number;
    expect(store.changeCount()).not.toBe(before);
    latenciesMs.push((await seen) - committedAt);
  }
  expect(latenciesMs.filter((latencyMs) => latencyMs >= 100).length).toBeLessThanOrEqual(1);
});

test("changeCount() sees another process's commit also among calls so dense that no turn passes between them", async () => {
  const path = ledgerFile();
  const store = await open(path);
  for (const _ of range(3)) {
    const counts = new Set(range(600).map(() => store.changeCount()));
    spawnSync(process.execPath, [CHILD, "commitOnce", path]);
    expect(counts).not.toContain(store.changeCount());
  }
});

test("while another process holds the write lock, timers go on and so do reads; then the append goes through", async () => {
  const path = ledgerFile();
  const store = await open(path);
  await store.append("a", [event()], "no_stream");
  const child = startChild("holdLock", path);
  await child.message(0);
  let isWritten = false;
  const appending = store.append("a", [event()], 0n).then(() => {
    isWritten = true;
  });
  let longestGapMs = 0;
  let last = performance.now();
  for (const end = last + 300; last < end; ) {
    await new Promise((resolve) => setTimeout(resolve, 5));
    longestGapMs = Math.max(longestGapMs, performance.now() - last);
    last = performance.now();
    expect(await all(store)).toHaveLength(1);
  }
  expect(isWritten).toBe(false);
  expect(longestGapMs).toBeLessThan(200);
  child.process.send("let go");
  await appending;
  expect(await all(store)).toHaveLength(2);
});

test("a process that neither closes nor waits still writes all it was asked to, and ends", async () => {
  const path = ledgerFile();
  const child = startChild("appendAndGo", path);
  expect(await child.exit).toBe(0);
  expect(child.messages).toHaveLength(20);
  expect(await all(await open(path))).toHaveLength(20);
});

test("a process that follows the log lives until it goes, and not longer", async () => {
  const path = ledgerFile();
  const store = await open(path);
  const child = startChild("follow", path);
  await child.message(0);
  await new Promise((resolve) => setTimeout(resolve, 50)); // an event loop with nothing to do would be gone by now
  const only = event();
  await store.append("a", [only], "no_stream");
  expect(await child.message(1)).toBe(only.id);
  expect(await child.exit).toBe(0);
});

test.for([["--expose-gc"], ["--input-type=module", "--expose-gc"]])(
  "opens in a process with the flags %o that was given its program as text",
  (flags) => {
    const adapter = JSON.stringify(new URL("../../src/store/sqlite.ts", import.meta.url).href);
    const program = `import(${adapter}).then(({ sqliteEventStore }) => sqliteEventStore(process.argv[1], {}))
      .then(async (store) => console.log(await store.kept("x")))`;
    const { stdout, stderr } = spawnSync(process.execPath, [...flags, "-e", program, ledgerFile()], {
      encoding: "utf8",
    });
    expect(`${stdout}${stderr}`).toBe("undefined\n");
  },
);

test("a file that may not be written can be read; an append says so", async () => {
  const path = ledgerFile();
  const store = await open(path);
  const only = event();
  await store.append("s", [only], "no_stream");
  await store.close();
  chmodSync(path, 0o444);
  chmodSync(dirname(path), 0o777);
  const told = await startChild("readOnly", path).message(0);
  expect(told).toEqual({
    events: [only.id],
    code: "STORE_UNAVAILABLE",
    message: expect.stringContaining("read-only"),
    hasCause: true,
  });
});

test.skipIf(process.platform === "win32")("a disk that takes no more fails the append and loses nothing", async () => {
  const path = ledgerFile();
  const limited = 'ulimit -f 4000; exec "$0" "$@"'; // 512-byte blocks a file: two megabytes
  const child = startChild("appendUntilFailure", path, {
    execPath: "/bin/sh",
    execArgv: ["-c", limited, process.execPath],
  });
  const told = (await child.message(0)) as { acknowledged: string[]; found: string[] };
  expect(told).toMatchObject({ code: "STORE_UNAVAILABLE", hasCause: true });
  expect(told.acknowledged.length).toBeGreaterThan(5);
  expect(told.found).toEqual(told.acknowledged);
  const store = await open(path); // without the limit it goes on
  await store.append("s", [event()], BigInt(told.acknowledged.length - 1));
});

test("a process that was killed leaves no lock behind", async () => {
  const path = ledgerFile();
  const store = await open(path);
  const child = startChild("holdLock", path);
  await child.message(0);
  const appending = store.append("a", [event()], "no_stream");
  child.process.kill("SIGKILL");
  expect((await appending).revision).toBe(0n);
  const database = new Database(path, { readonly: true });
  expect(database.pragma("integrity_check", { simple: true })).toBe("ok");
  database.close();
});
