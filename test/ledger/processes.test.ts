import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { v7 } from "uuid";
import { afterAll, describe, expect, test } from "vitest";
import type { Ledger } from "../../src/api/ledger.ts";
import { openLedger } from "../../src/index.ts";
import { onEventStoreDb } from "../store/server.ts";

/** Where processes write: a store and a project in it. */
interface Shared {
  readonly url: string;
  readonly project: string;
}

const folder = mkdtempSync(join(tmpdir(), "model-ledger-processes-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Writer {
  readonly acknowledged: Map<string, bigint>;
  readonly kill: () => void;
  readonly ended: Promise<unknown>;
}

function startWriter(
  { url, project }: Shared,
  name: string,
  count: number,
  onLine: () => void = () => undefined,
): Writer {
  const script = join(import.meta.dirname, "writer-process.ts");
  const child = spawn(process.execPath, [script, url, project, name, String(count)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const acknowledged = new Map<string, bigint>();
  const lines = createInterface({ input: child.stdout });
  lines.on("line", (line) => {
    const [commandId = "", revision = ""] = line.split(" ");
    if (revision !== "") acknowledged.set(commandId, BigInt(revision));
    onLine();
  });
  return {
    acknowledged,
    kill: () => child.kill("SIGKILL"),
    ended: Promise.all([once(child, "close"), once(lines, "close")]),
  };
}

/** Everything acknowledged is there at its revision, once; nothing is half there; nothing has a gap. */
async function expectWhole(ledger: Ledger, project: string, writers: readonly Writer[]): Promise<void> {
  const revisions = new Map<string, bigint[]>();
  const stop = new AbortController();
  const { revision: last } = await ledger.project(project);
  for await (const { metadata, revision } of ledger.subscribe({ project, signal: stop.signal })) {
    revisions.set(metadata.commandId, [...(revisions.get(metadata.commandId) ?? []), revision]);
    if (revision === last) stop.abort();
  }
  for (const { acknowledged } of writers) {
    for (const [commandId, revision] of acknowledged) expect(revisions.get(commandId)?.at(-1)).toBe(revision);
  }
  for (const found of revisions.values()) {
    expect(found.length).toBeLessThanOrEqual(2);
    expect(found).toEqual(found.map((_, index) => (found[0] ?? 0n) + BigInt(index))); // one append, side by side
  }
  const versions = (await ledger.models(project)).map(({ version }) => version);
  expect(versions).toEqual(versions.map((_, index) => index + 1));
  const numbers = (await ledger.deployments({ project, order: "asc" })).map(({ number }) => number);
  expect(numbers).toEqual(numbers.map((_, index) => index + 1));
  expect(await ledger.verify({ project })).toMatchObject({ ok: true });
}

async function threeRace(shared: Shared): Promise<void> {
  const writers = ["ann", "bob", "cyd"].map((name) => startWriter(shared, name, 60));
  await Promise.all(writers.map(({ ended }) => ended));
  for (const { acknowledged } of writers) expect(acknowledged.size).toBe(60);
  await using ledger = await openLedger(shared.url);
  expect(await ledger.project(shared.project)).toMatchObject({ models: 90 });
  await expectWhole(ledger, shared.project, writers);
}

/** Each writer is killed with -9 in the middle of what comes after its third acknowledgement at the earliest. */
async function manyAreKilled(shared: Shared, rounds: number): Promise<void> {
  const writers: Writer[] = [];
  for (let round = 0; round < rounds; round++) {
    let seen = 0;
    const killAfter = 3 + ((round * 7) % 25);
    const writer = startWriter(shared, `round${round}`, 10_000, () => {
      seen += 1;
      if (seen === killAfter) setTimeout(writer.kill, round % 4); // in the middle of what comes next
    });
    await writer.ended;
    expect(writer.acknowledged.size).toBeGreaterThanOrEqual(killAfter);
    writers.push(writer);
  }
  await using ledger = await openLedger(shared.url);
  await expectWhole(ledger, shared.project, writers);
}

describe("on sqlite:", () => {
  test(
    "three processes race on one project, and every command is there once",
    () => threeRace({ url: `sqlite:${join(folder, "race.db")}`, project: "Raced" }),
    60_000,
  );

  test(
    "killed with -9 at any moment, whatever was acknowledged is there and nothing is half-written",
    () => manyAreKilled({ url: `sqlite:${join(folder, "kill.db")}`, project: "Raced" }, 12),
    90_000,
  );
});

onEventStoreDb((url) => {
  test("three processes race on one project, and every command is there once", () =>
    threeRace({ url: url(), project: `Raced ${v7()}` }));

  test("killed with -9 at any moment, whatever was acknowledged is there and nothing is half-written", () =>
    manyAreKilled({ url: url(), project: `Raced ${v7()}` }, 4));
});
