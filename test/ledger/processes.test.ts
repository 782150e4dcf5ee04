import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, expect, test } from "vitest";
import type { Ledger } from "../../src/api/ledger.ts";
import { openLedger } from "../../src/index.ts";

/** Real processes on one file. */
const folder = mkdtempSync(join(tmpdir(), "model-ledger-processes-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Writer {
  readonly acknowledged: Map<string, bigint>;
  readonly kill: () => void;
  readonly ended: Promise<unknown>;
}

function startWriter(url: string, name: string, count: number, onLine: () => void = () => undefined): Writer {
  const script = join(import.meta.dirname, "writer-process.ts");
  const child = spawn(process.execPath, [script, url, name, String(count)], { stdio: ["ignore", "pipe", "inherit"] });
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
async function expectWhole(ledger: Ledger, writers: readonly Writer[]): Promise<void> {
  const revisions = new Map<string, bigint[]>();
  const stop = new AbortController();
  const { revision: last } = await ledger.project("Raced");
  for await (const { metadata, revision } of ledger.subscribe({ project: "Raced", signal: stop.signal })) {
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
  const versions = (await ledger.models("Raced")).map(({ version }) => version);
  expect(versions).toEqual(versions.map((_, index) => index + 1));
  const numbers = (await ledger.deployments({ project: "Raced", order: "asc" })).map(({ number }) => number);
  expect(numbers).toEqual(numbers.map((_, index) => index + 1));
  expect(await ledger.verify()).toMatchObject({ ok: true });
}

test("three processes race on one project, and every command is there once", async () => {
  const url = `sqlite:${join(folder, "race.db")}`;
  const writers = ["ann", "bob", "cyd"].map((name) => startWriter(url, name, 60));
  await Promise.all(writers.map(({ ended }) => ended));
  for (const { acknowledged } of writers) expect(acknowledged.size).toBe(60);
  await using ledger = await openLedger(url);
  expect(await ledger.project("Raced")).toMatchObject({ models: 90 });
  await expectWhole(ledger, writers);
}, 60_000);

test("killed with -9 at any moment, whatever was acknowledged is there and nothing is half-written", async () => {
  const url = `sqlite:${join(folder, "kill.db")}`;
  const writers: Writer[] = [];
  for (let round = 0; round < 12; round++) {
    let seen = 0;
    const killAfter = 3 + ((round * 7) % 25);
    const writer = startWriter(url, `round${round}`, 10_000, () => {
      seen += 1;
      if (seen === killAfter) setTimeout(writer.kill, round % 4); // in the middle of what comes next
    });
    await writer.ended;
    expect(writer.acknowledged.size).toBeGreaterThanOrEqual(killAfter);
    writers.push(writer);
  }
  await using ledger = await openLedger(url);
  await expectWhole(ledger, writers);
}, 90_000);
