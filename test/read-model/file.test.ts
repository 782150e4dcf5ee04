import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import Database from "better-sqlite3";
import { afterAll, describe, expect, test } from "vitest";
import { LocalLedger } from "../../src/api/local-ledger.ts";
import { openLedger } from "../../src/index.ts";
import { sqliteReadModel } from "../../src/read-model/read-model.ts";
import { prepareTables, refuseForeign } from "../../src/read-model/schema.ts";
import { systemRuntime } from "../../src/runtime.ts";
import type { EventStore, ReadAllOptions } from "../../src/store/event-store.ts";
import { openStore } from "../../src/store/open-store.ts";
import { historyOf } from "../bench/fixtures.ts";
import { madeUpStore } from "../bench/made-up-log.ts";
import { codeOf } from "../ledger/stores.ts";

const folder = mkdtempSync(join(tmpdir(), "model-ledger-read-model-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let files = 0;
const freshPath = () => join(folder, `${files++}.db`);

const history = await historyOf("Digits", 30);

/** The same history again, as that of another project. */
async function copyTo(store: EventStore, project: string): Promise<void> {
  const events = [];
  for await (const { type, data, metadata } of history.readStream("modelLedger-Digits")) {
    events.push({ id: randomUUID(), type, data: data.replace('"Digits"', JSON.stringify(project)), metadata });
  }
  await store.append(`modelLedger-${project}`, events, "no_stream");
}

/** A ledger in a file with three projects, and how many events were read from its log. */
async function withHistory(path = freshPath(), readModel = `${path}.read-model`) {
  const store = await openStore(`sqlite:${path}`, systemRuntime());
  const counted = { events: 0 };
  const counting: EventStore = {
    ...store,
    async *readAll(options?: ReadAllOptions) {
      for await (const event of store.readAll(options)) {
        counted.events += 1;
        yield event;
      }
    },
  };
  const tables = sqliteReadModel(counting, readModel);
  const ledger = new LocalLedger(counting, { actor: "ann" }, { readModel: tables, shortLogEvents: 0 });
  return { path, readModel, store, ledger, counted };
}

async function filled(path = freshPath(), readModel?: string) {
  const opened = await withHistory(path, readModel);
  for (const name of ["Digits", "Spam", "Faces"]) await copyTo(opened.store, name);
  return opened;
}

/** How many deployments a question across projects finds. */
const countOf = async (ledger: LocalLedger) => (await ledger.deployments({ strategy: "new_score" })).length;

const inFile = (path: string, sql: string): unknown[] => {
  const database = new Database(path);
  try {
    return database.prepare(sql).pluck().all();
  } finally {
    database.close();
  }
};

describe("the file of a read model", () => {
  test("is made at the first question, and read on from where it is by the next process", async () => {
    const first = await filled();
    expect(existsSync(first.readModel)).toBe(false);
    const count = await countOf(first.ledger);
    expect(count).toBeGreaterThan(0);
    expect(existsSync(first.readModel)).toBe(true);
    first.counted.events = 0;
    await countOf(first.ledger);
    expect(first.counted.events).toBe(0); // nothing was committed, so nothing is read
    await first.ledger.close();

    const second = await withHistory(first.path);
    await second.ledger.recordTraining({ project: "New", task: "regression", algorithm: "a", metrics: { r2: 1 } });
    expect(await countOf(second.ledger)).toBe(count + 1);
    expect(second.counted.events).toBeLessThan(10);
    await second.ledger.close();
  });

  test("may be deleted: the next process makes it anew", async () => {
    const first = await filled();
    const count = await countOf(first.ledger);
    await first.ledger.close();
    for (const part of ["", "-wal", "-shm"]) rmSync(first.readModel + part, { force: true });
    const second = await withHistory(first.path);
    expect(await countOf(second.ledger)).toBe(count);
    expect(existsSync(first.readModel)).toBe(true);
    await second.ledger.close();
  });

  test.each([
    ["is no database", (path: string) => writeFileSync(path, "not a database ".repeat(1_000))],
    ["lacks its second half", (path: string) => truncateSync(path, readFileSync(path).length >> 1)],
    [
      "has pages of nonsense",
      (path: string) => {
        const bytes = readFileSync(path);
        bytes.fill(0x5a, 4_096);
        writeFileSync(path, bytes);
      },
    ],
  ])("is put aside and made anew when it %s", async (_, damage) => {
    const first = await filled();
    const count = await countOf(first.ledger);
    await first.ledger.close();
    damage(first.readModel);
    const second = await withHistory(first.path);
    expect(await countOf(second.ledger)).toBe(count);
    expect((await second.ledger.projects()).length).toBe(3);
    expect(existsSync(`${first.readModel}.damaged`)).toBe(true);
    await second.ledger.close();
    expect(inFile(first.readModel, "PRAGMA integrity_check")).toEqual(["ok"]);
  });

  test("of another version is left to it while the new tables are built beside; older ones go, newer ones stay", async () => {
    const first = await filled();
    const count = await countOf(first.ledger);
    await first.ledger.close();
    const other = (version: number) => `
      CREATE TABLE v${version}_deployments (seq INTEGER);
      INSERT INTO read_models VALUES (${version}, 'x', '1', 's', 0, 'e', '', 0, 1);`;
    const database = new Database(first.readModel);
    database.exec(`${other(0)} ${other(99)} UPDATE read_models SET isComplete = 0 WHERE version NOT IN (0, 99)`);
    database.close();
    const second = await withHistory(first.path);
    expect(await countOf(second.ledger)).toBe(count);
    await second.ledger.close();
    expect(inFile(first.readModel, "SELECT version FROM read_models ORDER BY version")).toEqual([3, 99]);
    const tables = "SELECT name FROM sqlite_schema WHERE name GLOB 'v*_deployments' ORDER BY name";
    expect(inFile(first.readModel, tables)).toEqual(["v3_deployments", "v99_deployments"]);
  });

  test("of a ledger that was replaced, or set back to a copy, is made anew", async () => {
    const first = await filled();
    const count = await countOf(first.ledger);
    await first.ledger.close();
    const copy = `${first.path}.copy`;
    copyFileSync(first.path, copy);
    const grown = await withHistory(first.path);
    await grown.ledger.recordTraining({ project: "New", task: "regression", algorithm: "a", metrics: { r2: 1 } });
    expect(await countOf(grown.ledger)).toBe(count + 1);
    await grown.ledger.close();
    copyFileSync(copy, first.path);
    const setBack = await withHistory(first.path);
    expect(await countOf(setBack.ledger)).toBe(count);
    await setBack.ledger.close();
    rmSync(first.path);
    const replaced = await withHistory(first.path);
    await replaced.ledger.recordTraining({ project: "P", task: "regression", algorithm: "a", metrics: { r2: 1 } });
    expect((await replaced.ledger.projects()).map(({ project }) => project)).toEqual(["P"]);
    await replaced.ledger.close();
  });

  test("that cannot be written is done without: the tables are in memory", async () => {
    const directory = join(folder, "a directory");
    mkdirSync(directory);
    for (const place of [directory, join(folder, "missing", "x.read-model")]) {
      const { ledger } = await filled(freshPath(), place);
      expect((await ledger.projects()).length).toBe(3);
      await ledger.close();
    }
  });

  test("that another process makes a read model of just now is not taken for a foreign one", () => {
    const path = freshPath();
    const [asking, making] = [new Database(path), new Database(path, { timeout: 0 })];
    const pragma = asking.pragma.bind(asking);
    asking.pragma = (...asked) => {
      const answer = pragma(...asked);
      // Between the two questions that are asked of the file. Where they are one it is in the way, and comes later.
      try {
        prepareTables(making);
      } catch {}
      return answer;
    };
    expect(() => refuseForeign(asking)).not.toThrow();
    asking.close();
    making.close();
  });

  test("that is another program's database is refused and not touched", async () => {
    const place = freshPath();
    const database = new Database(place);
    database.exec("CREATE TABLE precious (x); INSERT INTO precious VALUES (1)");
    database.close();
    const before = readFileSync(place);
    const { ledger, path } = await filled(freshPath(), place);
    await expect(ledger.projects().toArray()).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
    await ledger.close();
    expect(readFileSync(place)).toEqual(before);
    const itself = await withHistory(path, path);
    await expect(itself.ledger.projects().toArray()).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
    await itself.ledger.close();
    await using again = await openLedger(`sqlite:${path}`);
    expect(await again.projects()).toHaveLength(3);
  });

  test("serves several ledgers at once, each of which sees at once what another one wrote", async () => {
    const one = await filled();
    const two = await withHistory(one.path);
    const [count, same] = await Promise.all([countOf(one.ledger), countOf(two.ledger)]);
    expect(same).toBe(count);
    for (let index = 1; index <= 5; index++) {
      const [writer, reader] = index % 2 === 0 ? [one, two] : [two, one];
      await writer.ledger.recordTraining({
        project: `N${index}`,
        task: "regression",
        algorithm: "a",
        metrics: { r2: 1 },
      });
      expect(await countOf(reader.ledger)).toBe(count + index);
    }
    await Promise.all([one.ledger.close(), two.ledger.close()]);
  });

  test("two ledgers that are given the same file answer right all the same", async () => {
    const place = `${freshPath()}.read-model`;
    const one = await filled(freshPath(), place);
    const two = await withHistory(freshPath(), place);
    await two.ledger.recordTraining({ project: "P", task: "regression", algorithm: "a", metrics: { r2: 1 } });
    for (let round = 0; round < 3; round++) {
      expect((await one.ledger.projects()).length).toBe(3);
      expect((await two.ledger.projects()).length).toBe(1);
    }
    await Promise.all([one.ledger.close(), two.ledger.close()]);
  });
});

test("neither closing nor an abort waits until a long log is read", async () => {
  const store = madeUpStore({ projects: 100, deployments: 5_000_000 }); // minutes of work
  const ledger = new LocalLedger(store, {}, { readModel: sqliteReadModel(store, `${freshPath()}.read-model`) });
  const impatient = new AbortController();
  const aborted = codeOf(ledger.deployments({ signal: impatient.signal }).toArray());
  const closed = codeOf(ledger.projects().toArray());
  setTimeout(() => impatient.abort(), 50);
  expect(await aborted).toBe("ABORTED");
  await ledger.close();
  expect(await closed).toBe("CLOSED");
});

test("who asks about one project takes in no more events than that project has", async () => {
  const { store, ledger, counted } = await filled();
  const asked = await ledger.deployments({ project: "Faces", strategy: "new_score" }).toArray();
  const { revision } = await ledger.project("Faces");
  expect(asked.length).toBeGreaterThan(0);
  expect(counted.events).toBeLessThanOrEqual(Number(revision) + 2);
  // and having asked often enough is answered from the tables
  for (let index = 0; index < 4; index++) await ledger.deployments({ project: "Faces", strategy: "new_score" });
  counted.events = 0;
  expect(await ledger.deployments({ project: "Faces", strategy: "new_score" })).toEqual(asked);
  expect(counted.events).toBe(0);
  await ledger.close();
  await store.close();
});

test("a short log is read as it is: no file is made beside it", async () => {
  const path = freshPath();
  await using ledger = await openLedger(`sqlite:${path}`);
  await ledger.recordTraining({ project: "P", task: "regression", algorithm: "a", metrics: { r2: 1 } });
  expect(await ledger.projects()).toHaveLength(1);
  expect(await ledger.deployments()).toHaveLength(1);
  expect(existsSync(`${path}.read-model`)).toBe(false);
});

test("three processes make the file together and agree", async () => {
  const path = freshPath();
  const store = await openStore(`sqlite:${path}`, systemRuntime());
  for (let index = 0; index < 80; index++) await copyTo(store, `P${index}`);
  await store.close();
  await using ledger = await openLedger(`sqlite:${path}`, { actor: "ann" });
  for (let index = 0; index < 3; index++) await ledger.deploy({ project: "P0" });
  const count = () =>
    promisify(execFile)(process.execPath, [join(import.meta.dirname, "counting-child.ts"), `sqlite:${path}`]);
  const counts = await Promise.all([count(), count(), count()]);
  expect(counts.map(({ stdout }) => stdout)).toEqual(["3", "3", "3"]);
  expect(existsSync(`${path}.read-model`)).toBe(true);
  expect(inFile(`${path}.read-model`, "SELECT count(*) FROM v3_deployments")).toEqual([
    (await ledger.deployments().toArray()).length,
  ]);
});
