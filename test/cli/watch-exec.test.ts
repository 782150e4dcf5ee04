import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { openLedger } from "../../src/index.ts";
import { programIn } from "./program.ts";

/** `watch --exec` as a process, with commands as people write them. */
const bin = join(import.meta.dirname, "../../bin/model-ledger.js");
const root = mkdtempSync(join(tmpdir(), "model-ledger-exec-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

interface Place {
  readonly folder: string;
  readonly url: string;
  readonly lines: () => readonly string[];
  readonly watch: (...argv: string[]) => ChildProcess;
  readonly train: (count: number, reason?: string) => Promise<void>;
  readonly cli: ReturnType<typeof programIn>;
}

function place(): Place {
  const folder = mkdtempSync(join(root, "place-"));
  const url = `sqlite:${join(folder, "ledger.db")}`;
  const log = join(folder, "log");
  return {
    folder,
    url,
    lines: () => (existsSync(log) ? readFileSync(log, "utf8").trimEnd().split("\n") : []),
    watch(...argv) {
      const env = { ...process.env, MODEL_LEDGER_STORE: url, LOG: log };
      return spawn(process.execPath, [bin, "watch", ...argv], {
        env,
        cwd: folder,
        stdio: ["ignore", "ignore", "pipe"],
      });
    },
    async train(count, reason = "it's $(touch pwned) `touch pwned`; touch pwned") {
      await using ledger = await openLedger(url);
      for (let index = 0; index < count; index++) {
        const input = { project: "Digits", task: "classification", algorithm: "svm", reason };
        await ledger.recordTraining({ ...input, metrics: { f1: Math.random() } });
      }
    },
    cli: programIn(folder),
  };
}

async function ended(child: ChildProcess): Promise<unknown> {
  child.kill("SIGTERM");
  return (await once(child, "exit"))[0];
}

const PATIENCE = { timeout: 60_000 };

test("each event goes to the command's stdin and environment, in order, one at a time, and never into a shell", async () => {
  const { folder, lines, watch, train } = place();
  await train(2);
  const script =
    'echo "begin $MODEL_LEDGER_VERSION $MODEL_LEDGER_PROJECT $MODEL_LEDGER_ATTEMPT" >> $LOG; cat >> $LOG; echo end >> $LOG';
  const child = watch("Digits", "--from", "start", "--type", "ModelTrained", "--exec", script);
  await expect.poll(lines, PATIENCE).toHaveLength(6);
  await train(1);
  await expect.poll(lines, PATIENCE).toHaveLength(9);
  expect(await ended(child)).toBe(0);
  const [begin, json, end, ...rest] = lines();
  expect([begin, end]).toEqual(["begin 1 Digits 1", "end"]);
  expect(JSON.parse(json ?? "")).toMatchObject({
    type: "ModelTrained",
    revision: "0",
    data: { version: 1 },
    metadata: { reason: expect.stringContaining("$(touch") },
  });
  expect(rest.filter((line) => line.startsWith("begin"))).toEqual(["begin 2 Digits 1", "begin 3 Digits 1"]);
  expect(existsSync(join(folder, "pwned"))).toBe(false);
});

test("with a name it goes on where it was, tries again what failed, and parks what fails too often", async () => {
  const { lines, watch, train, cli } = place();
  await train(2);
  const named = ["--from", "start", "--type", "ModelTrained", "--name", "job", "--max-attempts", "2"];
  const script =
    'echo "$MODEL_LEDGER_VERSION#$MODEL_LEDGER_ATTEMPT" >> $LOG; test "$MODEL_LEDGER_VERSION" != 1 || test -e mended';
  const first = watch(...named, "--exec", script);
  await expect.poll(lines, PATIENCE).toEqual(["1#1", "1#2", "2#1"]);
  expect(await ended(first)).toBe(0);
  expect(JSON.parse((await cli(["subscriptions", "--json"])).stdout)).toMatchObject({
    name: "job",
    finished: 2,
    parked: 1,
  });
  const parked = JSON.parse((await cli(["park", "list", "--json"])).stdout);
  expect(parked).toMatchObject({ subscription: "job", attempts: 2, error: expect.stringContaining("status 1") });
  expect((await cli(["park", "list"])).stdout).toContain("modelLedger-Digits@0");
  await train(1);
  const second = watch(...named, "--exec", script);
  await expect.poll(lines, PATIENCE).toEqual(["1#1", "1#2", "2#1", "3#1"]);
  expect((await cli(["park", "retry", "job"])).stdout).toContain("1 event to be tried again now");
  await expect.poll(lines, PATIENCE).toContain("1#3");
  expect(await ended(second)).toBe(0);
  expect((await cli(["park", "drop", "job", parked.eventId])).stdout).toContain("1 event forgotten");
  expect((await cli(["park", "list", "job"])).stderr).toContain("nothing is parked");
  expect(await cli(["park", "list", "jab"])).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/SUBSCRIPTION_NOT_FOUND: no subscription "jab": there are job/),
  });
}, 180_000);

test("killed with -9 in the middle of a command, its event comes again", async () => {
  const { folder, lines, watch, train } = place();
  await train(3);
  const script = 'echo $MODEL_LEDGER_VERSION >> $LOG; test "$MODEL_LEDGER_VERSION" != 2 || test -e go || sleep 60';
  const first = watch("--from", "start", "--type", "ModelTrained", "--name", "job", "--exec", script);
  await expect.poll(lines, PATIENCE).toEqual(["1", "2"]);
  first.kill("SIGKILL");
  await once(first, "exit");
  writeFileSync(join(folder, "go"), "");
  const second = watch("--from", "start", "--type", "ModelTrained", "--name", "job", "--exec", script);
  await expect.poll(lines, PATIENCE).toEqual(["1", "2", "2", "3"]);
  expect(await ended(second)).toBe(0);
});

test("asked to end, it ends the command and all that this started, and does not count it as a failure", async () => {
  const { folder, lines, watch, train, cli } = place();
  await train(1);
  const script = "echo begun >> $LOG; (sleep 600; echo survived >> $LOG) & echo $! > pid; wait";
  const child = watch("--from", "start", "--type", "ModelTrained", "--name", "job", "--exec", script);
  await expect.poll(() => existsSync(join(folder, "pid")), PATIENCE).toBe(true);
  expect(await ended(child)).toBe(0);
  expect(lines()).toEqual(["begun"]);
  const pid = Number(readFileSync(join(folder, "pid"), "utf8"));
  await expect.poll(() => isAlive(pid), PATIENCE).toBe(false);
  const { trying } = JSON.parse((await cli(["subscriptions", "--json"])).stdout);
  expect(trying).toBeUndefined();
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !readFileSync(`/proc/${pid}/stat`, "utf8").includes(") Z ");
  } catch {
    return false;
  }
}
