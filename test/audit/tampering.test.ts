import Database from "better-sqlite3";
import { beforeEach, describe, expect, test } from "vitest";
import { leafText } from "../../src/audit/leaf.ts";
import { generateKeys, type Ledger, openLedger, verifyExport } from "../../src/index.ts";
import { canonical, GENESIS_HASH, link, withHash } from "../../src/ledger/hash-chain.ts";
import { codeOf } from "../ledger/stores.ts";
import { ledgerFile } from "../store/ledger-file.ts";

/** Somebody who can write the file edits it with plain SQL; whoever opens it afterwards is asked what they see. */
const { privateKey: key, publicKey } = generateKeys("example.com/ledger");

const TAMPERED_AT = "modelLedger-B";
let path = "";
let before = "";

const open = (): Promise<Ledger> => openLedger(`sqlite:${path}`, { actor: "ann" });

beforeEach(async () => {
  path = ledgerFile();
  await using ledger = await open();
  for (const f1 of [0.1, 0.2, 0.3]) {
    for (const project of ["A", "B"]) {
      await ledger.recordTraining({ project, task: "classification", algorithm: "svm", metrics: { f1 } });
    }
  }
  before = (await ledger.checkpoint({ key })).checkpoint;
});

function edit(sql: string): void {
  const database = new Database(path);
  try {
    expect(database.prepare(sql).run().changes).toBeGreaterThan(0);
  } finally {
    database.close();
  }
}

const firstBroken = async () => {
  await using ledger = await open();
  return (await ledger.verify()).firstBroken;
};

const found = async () => {
  await using ledger = await open();
  return ledger.verify({ checkpoint: before, publicKey });
};

const AT = `WHERE stream = '${TAMPERED_AT}' AND revision`;

test("an untouched file verifies, alone and against the checkpoint, also when it went on", async () => {
  expect(await found()).toMatchObject({ ok: true, events: 12, checkpoint: { ok: true, size: 12 } });
  await using ledger = await open();
  await ledger.rollback({ project: "B" });
  expect(await found()).toMatchObject({ ok: true, events: 13, checkpoint: { ok: true, size: 12 } });
});

describe("the chain alone finds", () => {
  test.each([
    ["a changed field", `UPDATE events SET data = replace(data, '0.2', '0.9') ${AT} = 3`, 3n],
    ["who did it", `UPDATE events SET metadata = replace(metadata, '"ann"', '"eve"') ${AT} = 2`, 2n],
    [
      "a changed time",
      `UPDATE events SET metadata = json_set(metadata, '$.recordedAt', '2020-01-01T00:00:00.000Z') ${AT} = 4`,
      4n,
    ],
    ["a changed type", `UPDATE events SET type = 'ModelRetired' ${AT} = 1`, 1n],
    ["a removed event", `DELETE FROM events ${AT} = 2`, 3n],
    ["a removed beginning", `DELETE FROM events ${AT} = 0`, 1n],
    [
      "a removed event whose place was closed up",
      `UPDATE events SET revision = revision - 1 ${AT} > 2`,
      2n,
      [`DELETE FROM events ${AT} = 2`],
    ],
    ["a project that was given another's name", `UPDATE events SET stream = 'modelLedger-C' ${AT} >= 0`, 0n],
    [
      "an inserted event",
      `INSERT INTO events (stream, revision, id, type, data, metadata)
         SELECT stream, 6, 'x', type, data, metadata FROM events ${AT} = 5`,
      6n,
    ],
    [
      "two swapped events",
      `UPDATE events SET revision = CASE revision WHEN -1 THEN 2 ELSE 3 END ${AT} < 0`,
      2n,
      [`UPDATE events SET revision = CASE revision WHEN 3 THEN -1 ELSE -2 END ${AT} IN (2, 3)`],
    ],
    [
      "two events that changed places in the log",
      `UPDATE events SET position = 8 ${AT} = 2`,
      3n,
      [`UPDATE events SET position = 100 ${AT} = 2`, `UPDATE events SET position = 7 ${AT} = 3`],
    ],
    [
      "a value beside the one that counts",
      `UPDATE events SET data = replace(data, '"f1":', '"f1":0.9,"f1":') ${AT} = 2`,
      2n,
    ],
    [
      "an actor beside the one that counts",
      `UPDATE events SET metadata = replace(metadata, '"actor":', '"actor":"eve","actor":') ${AT} = 3`,
      3n,
    ],
    ["a revision that is no whole number", `UPDATE events SET revision = 3.5 ${AT} = 4`, 4n],
    ["a revision that is no number", `UPDATE events SET revision = 'four' ${AT} = 4`, 5n],
    ["a revision beyond all", `UPDATE events SET revision = 9223372036854775807 ${AT} = 5`, 5n],
    [
      "an event before the first",
      `INSERT INTO events (stream, revision, id, type, data, metadata)
         SELECT stream, -1, 'x', type, data, metadata FROM events ${AT} = 5`,
      0n,
    ],
  ] as const)("%s", async (what, sql, revision, first: readonly string[] = []) => {
    for (const each of first) edit(each);
    edit(sql);
    const stream = what.startsWith("a project") ? "modelLedger-C" : TAMPERED_AT;
    expect(await firstBroken()).toMatchObject({ stream, revision });
    await using ledger = await open();
    const project = stream.slice("modelLedger-".length);
    expect(await ledger.verify({ project })).toMatchObject({ ok: false, firstBroken: { stream, revision } });
    expect(await codeOf(ledger.checkpoint({ key }))).toBe("CORRUPT"); // what is broken is not signed
  });
});

describe("only a checkpoint finds", () => {
  test("a cut tail", async () => {
    edit(`DELETE FROM events ${AT} >= 4`);
    expect(await firstBroken()).toBeUndefined();
    const { ok, checkpoint } = await found();
    expect(ok).toBe(false);
    expect(checkpoint?.why).toMatch(
      /over 12 events, and 2 of them are missing: the log ends after 10, with event 5 of/,
    );
  });

  test("a project that was taken out", async () => {
    edit(`DELETE FROM events ${AT} >= 0`);
    expect(await firstBroken()).toBeUndefined();
    expect((await found()).checkpoint).toMatchObject({
      ok: false,
      why: expect.stringMatching(/6 of them are missing/),
    });
  });

  test("a history that was written anew with hashes of its own", async () => {
    rewrite();
    expect(await firstBroken()).toBeUndefined();
    await using ledger = await open();
    expect(await ledger.verify()).toMatchObject({ ok: true, events: 12 });
    expect((await found()).checkpoint).toMatchObject({
      ok: false,
      size: 12,
      why: expect.stringMatching(/^the first 12 events are not those that the checkpoint was signed over/),
    });
  });

  test.each([
    ["an event's id", `UPDATE events SET id = 'other' ${AT} = 3`],
    [
      "the order of two projects",
      "UPDATE events SET position = 100 WHERE position = 2",
      "UPDATE events SET position = 2 WHERE position = 3",
      "UPDATE events SET position = 3 WHERE position = 100",
    ],
  ])("a change of %s", async (_, ...edits) => {
    for (const sql of edits) edit(sql);
    expect(await firstBroken()).toBeUndefined();
    expect((await found()).checkpoint).toMatchObject({ ok: false, why: expect.stringMatching(/first 12 events/) });
  });

  test("what an export was cut short of, or has in another history", async () => {
    await using ledger = await open();
    const lines: string[] = [];
    for await (const line of ledger.export()) lines.push(line);
    const against = { checkpoint: before, publicKey };
    expect(await verifyExport(lines, against)).toMatchObject({ ok: true, checkpoint: { ok: true, size: 12 } });
    expect(await verifyExport(lines.slice(0, -1), against)).toMatchObject({
      ok: false,
      checkpoint: { why: expect.stringMatching(/1 of them is missing: the log ends after 11/) },
    });
    rewrite();
    const rewritten: string[] = [];
    for await (const line of ledger.export()) rewritten.push(line);
    expect(await verifyExport(rewritten, against)).toMatchObject({ ok: false, checkpoint: { ok: false } });
  });
});

/** Makes one score better, and all later hashes of the project anew. */
function rewrite(): void {
  const database = new Database(path);
  const rows = database
    .prepare("SELECT position, type, data, metadata FROM events WHERE stream = ? ORDER BY revision")
    .all(TAMPERED_AT) as { position: number; type: string; data: string; metadata: string }[];
  let previous = GENESIS_HASH;
  for (const { position, type, data, metadata } of rows) {
    const { hash: _, ...rest } = JSON.parse(metadata) as Record<string, unknown>;
    const forged = data.replace("0.2", "0.25");
    previous = link(previous, type, forged, canonical(rest));
    database
      .prepare("UPDATE events SET data = ?, metadata = ? WHERE position = ?")
      .run(forged, withHash(canonical(rest), previous), position);
  }
  database.close();
}

test("a checkpoint that is no checkpoint of this key proves nothing, and says so", async () => {
  await using ledger = await open();
  const other = generateKeys("example.com/ledger").publicKey;
  const results = [
    await ledger.verify({ checkpoint: before, publicKey: other }),
    await ledger.verify({ checkpoint: before.replace("\n12\n", "\n11\n"), publicKey }),
    await ledger.verify({ checkpoint: "hello", publicKey }),
  ];
  for (const { ok, checkpoint } of results) expect([ok, checkpoint?.ok]).toEqual([false, false]);
  expect(results[0]?.checkpoint?.why).toMatch(/not signed by example.com\/ledger\+/);
  expect(await codeOf(ledger.verify({ checkpoint: before }))).toBe("INVALID_INPUT");
  expect(await codeOf(ledger.verify({ checkpoint: before, publicKey, project: "A" }))).toBe("INVALID_INPUT");
  expect(await codeOf(ledger.verify({ checkpoint: before, publicKey: "x" }))).toBe("INVALID_INPUT");
});

test("a leaf of the tree is the canonical JSON of all that was recorded but the position", () => {
  const event = { id: "an-id", stream: 'modelLedger-"é"', revision: 7n, type: "ModelTrained" };
  const parts = { data: { project: "é" }, hash: "ab", metadata: { actor: "ann" } };
  const text = leafText(event, { data: canonical(parts.data), hash: "ab", metadata: canonical(parts.metadata) });
  expect(text).toBe(canonical({ ...event, ...parts, revision: "7" }));
});

describe("what stands in the log and no ledger wrote is CORRUPT to whoever asks", () => {
  test.each([
    ["a removed event", `DELETE FROM events ${AT} = 2`, "event 2 in modelLedger-B is missing"],
    ["a removed beginning", `DELETE FROM events ${AT} = 0`, "event 0 in modelLedger-B is missing"],
    [
      "data of no event",
      `UPDATE events SET data = '{"a":1}' ${AT} = 2`,
      "event 2 in modelLedger-B is none that a ledger",
    ],
  ])("%s", async (_, sql, message) => {
    edit(sql);
    await using ledger = await open();
    const corrupt = { code: "CORRUPT", message: expect.stringContaining(message) };
    await expect(ledger.activeModel("B")).rejects.toMatchObject(corrupt);
    await expect(ledger.activeModel("B", { at: { revision: 5 } })).rejects.toMatchObject(corrupt);
    await expect(ledger.rollback({ project: "B" })).rejects.toMatchObject(corrupt);
    await expect(ledger.explain({ project: "B", number: 2 })).rejects.toMatchObject(corrupt);
    await expect(ledger.timeline("B")).rejects.toMatchObject(corrupt);
    expect(await ledger.activeModel("A")).toMatchObject({ version: 3 });
  });
});

test.each([
  [{ number: 2 }, `UPDATE events SET metadata = replace(metadata, 'recordedAt', 'recordedAT') ${AT} = 3`],
  [{ version: 2 }, `UPDATE events SET data = replace(data, 'trainedAt', 'trainedAT') ${AT} = 2`],
])("explain(%o) tells nothing of an event that has lost a field", async (which, sql) => {
  edit(sql);
  await using ledger = await open();
  expect(await codeOf(ledger.explain({ project: "B", ...which }))).toBe("CORRUPT");
});
