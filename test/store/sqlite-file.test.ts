import {
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import Database from "better-sqlite3";
import { expect, onTestFinished, test } from "vitest";
import { systemRuntime } from "../../src/runtime.ts";
import { SCHEMA_VERSION } from "../../src/store/sqlite/schema.ts";
import { type SqliteEventStore, type SqliteOptions, sqliteEventStore } from "../../src/store/sqlite.ts";
import { all, event, range } from "./events.ts";
import { ledgerFile } from "./ledger-file.ts";

/** What stands in the file, what other programs may do with it, and which files are refused. */

async function open(path: string, options?: SqliteOptions): Promise<SqliteEventStore> {
  const store = await sqliteEventStore(path, systemRuntime(), options);
  onTestFinished(() => store.close());
  return store;
}

function plain(path: string): Database.Database {
  const database = new Database(path);
  onTestFinished(() => {
    database.close();
  });
  return database;
}

async function ledgerWith(count: number): Promise<string> {
  const path = ledgerFile();
  const store = await sqliteEventStore(path, systemRuntime());
  for (const index of range(count)) {
    await store.append(`modelLedger-${index}`, [event("x".repeat(1000))], "no_stream");
  }
  await store.close();
  return path;
}

test("the connection that writes has a write-ahead log and syncs at every commit", async () => {
  const store = await open(ledgerFile());
  expect(await store.pragmas()).toMatchObject({ journal_mode: "wal", synchronous: 2 });
  await store.append("a", [event()], "no_stream");
  expect(await store.pragmas()).toMatchObject({ journal_mode: "wal", synchronous: 2 });
});

test("a file that another program took out of WAL mode is put back", async () => {
  const path = await ledgerWith(1);
  const database = plain(path);
  expect(database.pragma("journal_mode = DELETE", { simple: true })).toBe("delete");
  database.close();
  const store = await open(path);
  await store.append("a", [event()], "no_stream");
  expect(await store.pragmas()).toMatchObject({ journal_mode: "wal", synchronous: 2 });
});

test("all is there when it is opened again, and goes on at the next revision and position", async () => {
  const path = ledgerFile();
  const first = await open(path);
  const before = await first.append("a", [event(), event()], "no_stream");
  await first.keep("k", "1");
  const events = await all(first);
  await first.close();
  const second = await open(path);
  expect(await all(second)).toEqual(events);
  expect(await second.kept("k")).toMatchObject({ value: "1" });
  const after = await second.append("a", [event()], 1n);
  expect(after.revision).toBe(2n);
  expect(after.position > before.position).toBe(true);
});

test("the schema itself refuses a second event at a revision, and a second one with an id", async () => {
  const database = plain(await ledgerWith(1));
  const copy = "INSERT INTO events (stream, revision, id, type, data, metadata) SELECT";
  const unique = expect.objectContaining({ code: "SQLITE_CONSTRAINT_UNIQUE" });
  const run = (columns: string) => () => database.exec(`${copy} ${columns}, type, data, metadata FROM events`);
  expect(run("stream, revision, 'other'")).toThrow(unique);
  expect(run("stream, revision + 1, id")).toThrow(unique);
  expect(run("stream, revision + 1, 'other'")).not.toThrow();
});

test("the file says that it is a ledger, and of which schema", async () => {
  const database = plain(await ledgerWith(1));
  expect(database.pragma("application_id", { simple: true })).toBe(Buffer.from("mlgr").readInt32BE());
  expect(database.pragma("user_version", { simple: true })).toBe(SCHEMA_VERSION);
  const objects = database.prepare("SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') ORDER BY name");
  expect(objects.pluck().all()).toEqual([
    "active_models",
    "deployments",
    "events",
    "kept",
    "models",
    "sqlite_sequence",
  ]);
});

test("closing leaves one file, which holds everything", async () => {
  const path = await ledgerWith(5);
  expect(() => readFileSync(`${path}-wal`)).toThrow(/ENOENT/);
  expect(plain(path).prepare("SELECT count(*) FROM events").pluck().get()).toBe(5);
});

test("reading it leaves no other file, and changes nothing", async () => {
  const path = await ledgerWith(5);
  const before = readFileSync(path);
  const store = await open(path);
  expect(store.changeCount()).toBeGreaterThan(0);
  expect(await all(store)).toHaveLength(5);
  await store.close();
  expect(readdirSync(dirname(path))).toEqual([basename(path)]);
  expect(readFileSync(path).equals(before)).toBe(true);
});

test("a ledger of an older schema is brought up to date, and keeps its events", async () => {
  const path = await ledgerWith(3);
  const database = plain(path);
  database.exec("DROP VIEW active_models; DROP VIEW deployments; DROP VIEW models; PRAGMA user_version = 1");
  database.exec("DROP TABLE kept; CREATE TABLE kept (name TEXT PRIMARY KEY, value TEXT NOT NULL)");
  database.exec("INSERT INTO kept VALUES ('snapshot', '1')");
  database.close();
  const store = await open(path);
  expect(await all(store)).toHaveLength(3);
  await store.append("modelLedger-0", [event()], 0n);
  expect(plain(path).prepare("SELECT count(*) FROM active_models").pluck().get()).toBe(0);
  const { revision } = { ...(await store.kept("snapshot")) };
  expect(await store.keep("snapshot", "2", revision)).toBeGreaterThan(revision ?? 0n);
});

test("an empty file is a ledger that has yet to begin", async () => {
  const path = ledgerFile();
  writeFileSync(path, "");
  await (await open(path)).append("a", [event()], "no_stream");
});

test("many stores that open one new file at once all find a ledger", async () => {
  const path = ledgerFile();
  const stores = await Promise.all(range(4).map(() => open(path)));
  await Promise.all(stores.map((store, index) => store.append(String(index), [event()], "no_stream")));
  for (const store of stores) expect(await all(store)).toHaveLength(4);
});

test("a ledger of a newer model-ledger is refused: it says to update", async () => {
  const path = await ledgerWith(1);
  const database = plain(path);
  database.pragma("user_version = 99");
  database.close();
  await expect(open(path)).rejects.toMatchObject({
    code: "STORE_UNAVAILABLE",
    message: expect.stringContaining("update model-ledger"),
    details: { schemaVersion: 99 },
  });
});

test("another program's database is refused and not touched", async () => {
  const path = ledgerFile();
  const database = plain(path);
  database.exec("CREATE TABLE cats (name TEXT)");
  database.close();
  const bytes = readFileSync(path);
  await expect(open(path)).rejects.toMatchObject({
    code: "STORE_UNAVAILABLE",
    message: expect.stringContaining("another program"),
  });
  expect(readFileSync(path).equals(bytes)).toBe(true);
});

test("a file that is no database is CORRUPT and not touched", async () => {
  const path = ledgerFile();
  const text = "model,version\n".repeat(500);
  writeFileSync(path, text);
  await expect(open(path)).rejects.toMatchObject({
    code: "CORRUPT",
    message: expect.stringContaining(path),
    cause: expect.anything(),
  });
  expect(readFileSync(path, "utf8")).toBe(text);
});

test("a ledger whose pages were overwritten is CORRUPT where it is read", async () => {
  const path = await ledgerWith(200);
  const size = readFileSync(path).length;
  const file = openSync(path, "r+");
  writeSync(file, Buffer.alloc(size - 65_536, 0x5a), 0, undefined, 65_536);
  closeSync(file);
  const store = await open(path);
  await expect(all(store)).rejects.toMatchObject({ code: "CORRUPT", cause: expect.anything() });
});

test.for([
  [
    "in a directory that is not there",
    (path: string) => join(dirname(path), "nowhere", "ledger.db"),
    /"[^"]*nowhere[^"]*": its directory is not there/,
  ],
  ["that is a directory", (path: string) => dirname(path), /it is a directory/],
] as const)("a ledger %s is STORE_UNAVAILABLE", async ([, pathOf, message]) => {
  const path = pathOf(ledgerFile());
  await expect(open(path)).rejects.toMatchObject({
    code: "STORE_UNAVAILABLE",
    message: expect.stringMatching(message),
  });
});

test("a file that stays locked is STORE_UNAVAILABLE once patience ends, and the store goes on after it", async () => {
  const path = ledgerFile();
  const store = await open(path, { lockTimeoutMs: 60 });
  await store.append("a", [event()], "no_stream");
  const other = plain(path);
  other.exec("BEGIN IMMEDIATE");
  await expect(store.append("a", [event()], 0n)).rejects.toMatchObject({
    code: "STORE_UNAVAILABLE",
    message: expect.stringContaining("locked"),
  });
  other.exec("COMMIT");
  await store.append("a", [event()], 0n);
});

test.skipIf(process.platform === "win32").for(["removed", "replaced"])(
  "a ledger that was %s while open takes no more appends, which would be lost",
  async (what) => {
    const path = ledgerFile();
    const store = await open(path);
    await store.append("a", [event()], "no_stream");
    if (what === "removed") rmSync(path);
    else renameSync(await ledgerWith(1), path);
    for (const _ of range(2)) {
      await expect(store.append("a", [event()], 0n)).rejects.toMatchObject({
        code: "STORE_UNAVAILABLE",
        message: expect.stringContaining("removed or replaced"),
      });
    }
  },
);

test("changeCount() sees a commit among dense calls, and never waits for a lock", async () => {
  const path = ledgerFile();
  const store = await open(path);
  const other = plain(path);
  for (const calls of [1, 3, 4, 10, 255, 256, 257, 600]) {
    const counts = new Set(range(calls).map(() => store.changeCount()));
    expect(counts.size).toBe(1);
    other.exec(`INSERT INTO kept (name, value) VALUES ('${calls}', '1')`);
    expect(counts).not.toContain(store.changeCount());
  }
  const before = store.changeCount();
  other.exec("BEGIN IMMEDIATE");
  other.exec("DELETE FROM kept");
  expect(store.changeCount()).toBe(before);
  other.exec("ROLLBACK");
});

test("changeCount() lets go of the log at the end of the turn: it can be emptied", async () => {
  const path = ledgerFile();
  const store = await open(path);
  await store.append("a", [event()], "no_stream");
  for (const _ of range(600)) store.changeCount();
  await new Promise((resolve) => setImmediate(resolve));
  expect(plain(path).pragma("wal_checkpoint(TRUNCATE)")).toMatchObject([{ busy: 0 }]);
});

test("a relative path is taken from the working directory, and the address names the file", async () => {
  const path = ledgerFile();
  mkdirSync(join(dirname(path), "sub"));
  const store = await open(join(dirname(path), "sub", "..", "ledger.db"));
  expect(store.address).toBe(`sqlite:${path}`);
});
