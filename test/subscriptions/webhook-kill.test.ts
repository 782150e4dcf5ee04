import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, onTestFinished, test } from "vitest";
import { openLedger } from "../../src/index.ts";
import { receiver } from "./receiver.ts";

const bin = join(import.meta.dirname, "../../bin/model-ledger.js");
const folder = mkdtempSync(join(tmpdir(), "model-ledger-webhooks-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const PATIENCE = { timeout: 120_000, interval: 20 };
const KILLS = 6;

test("killed with -9 at any moment, the service loses no delivery: each event comes, first in order, the same each time", async () => {
  const url = `sqlite:${join(folder, "ledger.db")}`;
  let calls = 0;
  const {
    url: hook,
    received,
    firstSeen,
  } = await receiver((response) => {
    calls += 1;
    // some attempts fail, and answers take a moment, so that a kill may fall within
    setTimeout(() => response.writeHead(calls % 31 === 0 ? 500 : 200).end(), calls % 3);
  });
  await using ledger = await openLedger(url);
  await ledger.webhooks.add({ url: hook, allowPrivate: true });
  const stop = new AbortController();
  const written: string[] = [];
  const writing = (async () => {
    for (let index = 0; !stop.signal.aborted; index++) {
      const input = { project: `P${index % 3}`, task: "regression", algorithm: "ols", metrics: { r2: Math.random() } };
      await ledger.recordTraining(input);
      while (2 * index > firstSeen().length + 40 && !stop.signal.aborted) {
        await new Promise((resolve) => setTimeout(resolve, 20)); // enough is waiting to be delivered
      }
    }
  })();
  let child: ChildProcess | undefined;
  onTestFinished(() => {
    stop.abort();
    child?.kill("SIGKILL");
  });
  const SERVICES = [
    ["serve", "--port", "0"],
    ["webhook", "run"],
  ] as const;
  function begin(turn: number): ChildProcess {
    const argv = [bin, "--store", url, "--quiet", ...(SERVICES[turn % SERVICES.length] ?? [])];
    return spawn(process.execPath, argv, { stdio: ["ignore", "ignore", "inherit"] });
  }
  for (let kill = 0; kill < KILLS; kill++) {
    child = begin(kill);
    const target = received.length + 1 + Math.floor(Math.random() * 12);
    await expect.poll(() => received.length, PATIENCE).toBeGreaterThanOrEqual(target);
    child.kill("SIGKILL");
    await once(child, "exit");
  }
  stop.abort();
  await writing;
  const ended = new AbortController();
  const { events } = await ledger.verify();
  for await (const event of ledger.subscribe({ signal: ended.signal })) {
    written.push(event.id);
    if (written.length === events) ended.abort();
  }
  child = begin(KILLS);
  await expect.poll(() => firstSeen().length, PATIENCE).toBe(events);
  await expect.poll(async () => (await ledger.webhooks.list())[0]?.finished, PATIENCE).toBe(events);
  child.kill("SIGTERM");
  expect((await once(child, "exit"))[0]).toBe(0);
  expect(firstSeen()).toEqual(written);
  const bodies = Map.groupBy(received, ({ headers }) => headers["webhook-id"]);
  for (const attempts of bodies.values()) expect(new Set(attempts.map(({ body }) => body)).size).toBe(1);
  expect(received.length).toBeGreaterThan(events); // some came again
}, 400_000);
