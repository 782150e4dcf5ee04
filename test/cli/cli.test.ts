import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { afterAll, afterEach, describe, expect, test, vi } from "vitest";
import { programIn } from "./program.ts";

const bin = join(import.meta.dirname, "../../bin/model-ledger.js");
const folder = mkdtempSync(join(tmpdir(), "model-ledger-cli-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
afterEach(() => vi.unstubAllEnvs());

const fresh = () => mkdtempSync(join(folder, "case-"));
const TRAIN = ["train", "Digits", "--task", "classification", "--algorithm", "svm", "--metric", "f1=0.9"] as const;
const BETTER = [
  "train",
  "Digits",
  "--algorithm",
  "knn",
  "--metric",
  "f1=.95",
  "--hyperparam",
  "k=5",
  "--label",
  "a=b",
] as const;

async function withTwoModels() {
  const run = programIn(fresh());
  expect((await run(TRAIN)).code).toBe(0);
  expect((await run(BETTER)).code).toBe(0);
  return run;
}

const lines = (text: string): unknown[] =>
  text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));

describe("commands that deploy", () => {
  test("print project, strategy and algorithm, and under them from what to what and why", async () => {
    const run = await withTwoModels();
    const { stdout, stderr, code } = await run(["rollback", "Digits", "--reason", "too slow"]);
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout.split("\n").slice(0, 2)).toEqual(["project  strategy  algorithm", "Digits   rollback  svm"]);
    expect(stdout.split("\n")[2]).toMatch(
      /^version 2 \(knn\) → version 1 in production, deployment 3: back to .*f1 0.9, before 0.95/,
    );
    const { stdout: promoted } = await run(["promote", "Digits", "--from", "production", "--to", "staging"]);
    expect(promoted).toContain("nothing → version 1 in staging, deployment 1: promoted from production");
  });

  test("say plainly that a dry run wrote nothing", async () => {
    const run = await withTwoModels();
    const { stdout } = await run(["deploy", "Digits", "--dry-run"]);
    expect(stdout).toContain("dry run, nothing was written: it would be version 2 (knn) → version 2");
    expect(lines((await run(["history", "Digits", "--json"])).stdout)).toHaveLength(2);
  });

  test("answer a repeated command with the line of the first time", async () => {
    const run = programIn();
    const train = ["train", "Digits", "--task", "classification", "--metric"];
    await run([...train, "f1=0.9", "--algorithm", "svm"]);
    await run([...train, "f1=0.95", "--algorithm", "knn"]);
    const rollback = ["rollback", "Digits", "--command-id", "roll-1", "--reason", "too slow"];
    const first = await run(rollback);
    expect(first.stdout).toContain("version 2 (knn) → version 1 in production");
    await run(["deploy", "Digits"]);
    expect((await run(rollback)).stdout).toBe(first.stdout);
  });

  test("draw a box on a terminal and none elsewhere, and say the same", async () => {
    const run = await withTwoModels();
    vi.stubEnv("TERM", "xterm");
    vi.stubEnv("NO_COLOR", "");
    const terminal = await run(["leaderboard", "Digits"], { terminal: true });
    const pipe = await run(["leaderboard", "Digits"]);
    expect(terminal.stdout).toMatch(/[│┌]/);
    expect(pipe.stdout).not.toMatch(/[│┌]/);
    expect(pipe.stdout).not.toContain("\u001b");
    for (const word of ["place", "knn", "0.95", "svm", "0.9", "production"]) {
      expect(terminal.stdout).toContain(word);
      expect(pipe.stdout).toContain(word);
    }
    expect(terminal.stdout).toContain("\u001b");
    expect((await run(["leaderboard", "Digits", "--no-color"], { terminal: true })).stdout).not.toContain("\u001b");
  });

  test("are plain where the terminal cannot draw, and without colour where nobody wants it", async () => {
    const run = await withTwoModels();
    const history = ["history", "Digits", "--graph"];
    const { stdout: plain } = await run(history);
    vi.stubEnv("TERM", "dumb");
    expect((await run(history, { terminal: true })).stdout).toBe(plain);
    vi.stubEnv("TERM", "xterm");
    vi.stubEnv("NO_COLOR", "1");
    const colourless = await run(history, { terminal: true });
    expect(colourless.stdout).toMatch(/[│┌]/);
    expect(colourless.stdout).not.toContain("\u001b");
  });

  test("print only the essential value with --quiet, JSON with --json, before or after the command", async () => {
    const run = await withTwoModels();
    expect((await run(["deploy", "Digits", "--quiet"])).stdout).toBe("2\n");
    for (const argv of [
      ["--json", "deploy", "Digits"],
      ["deploy", "Digits", "--json"],
    ]) {
      expect(JSON.parse((await run(argv)).stdout)).toMatchObject({
        project: "Digits",
        strategy: "best_score",
        version: 2,
      });
    }
    const [row] = lines((await run(["history", "Digits", "--json", "--limit", "1"])).stdout);
    expect(row).toMatchObject({ number: 5, revision: "6" });
    expect((await run(["verify", "--quiet"])).stdout).toBe("7\n");
  });

  test("are shown by examples that run", async () => {
    const { stdout } = await programIn()(["train", "--help"]);
    const examples = [...stdout.matchAll(/^ {2}\$ model-ledger (.*)$/gm)].map(([, example = ""]) => example);
    expect(examples.length).toBeGreaterThan(1);
    for (const example of examples) {
      const argv = [...example.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, word = ""]) => quoted ?? word);
      expect(await programIn(fresh())(argv)).toMatchObject({ code: 0, stderr: "" });
    }
  });

  test("repeat a command by its id only once", async () => {
    const run = await withTwoModels();
    const once = ["deploy", "Digits", "--command-id", "job-1", "--json"];
    expect((await run(once)).stdout).toBe((await run(once)).stdout);
    expect((await run([...once, "--model", "1"])).code).toBe(1);
  });
});

describe("commands that govern", () => {
  test("retire, reinstate, freeze and set the policy", async () => {
    const run = await withTwoModels();
    expect((await run(["retire", "Digits", "--model", "2"])).stdout).toContain("goes on serving in production until");
    expect((await run(["deploy", "Digits", "--model", "2"])).stderr).toMatch(/^model-ledger: MODEL_RETIRED: /);
    expect((await run(["reinstate", "Digits", "--model", "2"])).code).toBe(0);
    expect((await run(["freeze", "Digits", "--reason", "quarter end", "--until", "2999-01-01"])).code).toBe(0);
    const frozen = await run(["deploy", "Digits"]);
    expect([frozen.code, frozen.stderr]).toEqual([1, expect.stringMatching(/PROJECT_FROZEN.*quarter end/)]);
    expect((await run(["policy", "Digits"])).stdout).toContain("quarter end (until 2999-01-01T00:00:00.000Z)");
    const past = await run(["freeze", "Digits", "--reason", "too late", "--until", "2020-01-01"]);
    expect(past.stdout).toContain("no longer: too late (ended 2020-01-01T00:00:00.000Z)");
    expect((await run(["unfreeze", "Digits"])).code).toBe(0);
    expect((await run(["policy", "Digits", "--automatic-deploy", "off", "--require-reason"])).stdout).toContain("off");
    expect((await run(["deploy", "Digits"])).stderr).toContain("REASON_REQUIRED");
    await run(["policy", "Digits", "--unset", "require-reason", "--reason", "enough"]);
    expect(JSON.parse((await run(["policy", "Digits", "--json"])).stdout)).toMatchObject({
      automaticDeploy: "off",
      requireReason: false,
    });
  });
});

describe("commands that ask", () => {
  test("tell what is active, now and in the past", async () => {
    const run = await withTwoModels();
    expect((await run(["active", "Digits", "--quiet"])).stdout).toBe("2\n");
    expect((await run(["active", "Digits", "--quiet", "--at-revision", "1"])).stdout).toBe("1\n");
    const asOf = ["active", "Digits", "--quiet", "--at", new Date().toISOString()];
    expect((await run([...asOf, "--by", "deployed-at"])).stdout).toBe("2\n");
    expect((await run([...asOf, "--by", "sunrise"])).code).toBe(2);
    const empty = await run(["active", "Digits", "--environment", "staging"]);
    expect([empty.code, empty.stderr]).toEqual([1, expect.stringMatching(/NO_ACTIVE_MODEL.*staging/)]);
  });

  test("list projects, models, history, timeline, and explain", async () => {
    const run = await withTwoModels();
    expect((await run(["projects"])).stdout).toMatch(/Digits +classification +2 +2 +production: 2 \(knn\)/);
    expect(lines((await run(["models", "Digits", "--json"])).stdout)).toMatchObject([
      {},
      { hyperparams: { k: 5 }, labels: { a: "b" } },
    ]);
    expect((await run(["history", "Digits", "--actor", "nobody"])).stdout).toBe("");
    expect((await run(["history", "Digits"])).stdout).toMatch(/number.*\n +2 .*1 → 2 \(knn\)/);
    expect((await run(["timeline", "Digits"])).stdout).toMatch(/now +2 +knn/);
    expect((await run(["explain", "Digits", "2"])).stdout).toMatch(
      /because its training deployed it \(“better: f1 0.95 against 0.9/,
    );
    expect((await run(["verify"])).stdout).toMatch(/^4 events of 1 project verified/);
  });

  test("leave nothing behind where there is no ledger", async () => {
    const here = fresh();
    const run = programIn(here);
    expect((await run(["deploy", "Digits"])).code).toBe(1);
    expect(await run(["projects"])).toMatchObject({ code: 0, stdout: "" });
    expect((await run(["verify"])).code).toBe(3);
    expect(await run(["token", "list"])).toMatchObject({ code: 0, stdout: "" });
    expect((await run(["token", "revoke", "ci"])).code).toBe(1);
    expect(readdirSync(here)).toEqual([]);
  });
});

describe("wrong usage", () => {
  test.each([
    [["deploy"], /missing required argument 'project'/],
    [["deplo", "x"], /Did you mean deploy/],
    [["deploy", "x", "--stratgy", "y"], /Did you mean --strategy/],
    [["deploy", "x", "--steps", "1.5"], /whole number/],
    [["deploy", "x", "--strategy", "worst"], /strategy: must be one of/],
    [["train", "x", "--algorithm", "a", "--metric", "f1"], /name=value/],
    [["train", "x", "--algorithm", "a", "--metric", "f1=NaN"], /not a number/],
    [["train", "x", "--algorithm", "a", "--metric", "f1=0x10"], /not a number/],
    [["train", "x", "--algorithm", "a", "--metric", "f1=1", "--metric", "f1=2"], /given twice/],
    [["train", "x", "--algorithm", "a", "--hyperparams", "{"], /JSON object/],
    [["train", "x"], /--algorithm/],
    [["promote", "x", "--from", "a"], /--to/],
    [["freeze", "x"], /needs a --reason/],
    [["policy", "x", "--unset", "colour"], /no such field/],
    [["active", "x", "--at", "yesterday"], /--at <time>.*must be an ISO 8601 time/],
    [["token", "create", "--name", "x", "--scope", "fly"], /--scope: must be one of read/],
    [["webhook", "add", "example.com/hook"], /url: must be an http or https address/],
    [["watch", "--max-attempts", "3"], /goes with --name/],
    [["watch", "--environment", "Bad Env"], /--environment: must/],
    [["watch", "--environment", "Bad Env", "--name", "x"], /--environment: must/],
    [["watch", "A", "--project", "B"], /not both/],
    [["serve", "--port", "65536"], /must be 0 to 65535/],
    [["history", "x", "--limit", "0"], /limit: /],
    [["--store", "redis:x", "projects"], /unknown store/],
    [["--store", "sqlite::memory:", "projects"], /write "memory:"/],
    [["--store", "sqlite://x.db", "projects"], /write "sqlite:x\.db"/],
    [["--store", "sqlite:", "projects"], /names no file/],
  ])("%j ends with 2 and says what is wrong", async (argv, message) => {
    const { code, stdout, stderr } = await programIn(fresh())(argv);
    expect(stderr).toMatch(message);
    expect([code, stdout]).toEqual([2, ""]);
  });

  test("an error is JSON too with --json", async () => {
    const { code, stderr } = await programIn(fresh())(["deploy", "x", "--json"]);
    expect(code).toBe(1);
    expect(JSON.parse(stderr)).toMatchObject({ code: "PROJECT_NOT_FOUND", details: { project: "x" } });
  });

  test("a store that cannot be opened ends with 3, a lost race with 4", async () => {
    const run = programIn(join(fresh(), "missing"));
    expect((await run(TRAIN)).code).toBe(3);
    const raced = await withTwoModels();
    expect((await raced(["deploy", "Digits", "--expected-revision", "1"])).code).toBe(4);
  });

  test("of a file that is no ledger, the next step is to name another", async () => {
    const path = join(fresh(), "notes.txt");
    writeFileSync(path, "no ledger, but a text that is long enough to be the header of a database: ".repeat(9));
    for (const argv of [["verify"], ["history", "Digits"], TRAIN]) {
      const { code, stderr } = await programIn()([...argv, "--store", `sqlite:${path}`]);
      expect([code, stderr]).toEqual([3, expect.stringMatching(/is no SQLite database.*\nnext: --store or/)]);
    }
  });

  test("every command has help with an example", async () => {
    const run = programIn(fresh());
    const { stdout } = await run(["--help"]);
    const names = [...stdout.matchAll(/^ {2}([a-z]+) (?:\[options\]|<project>| {3})/gm)].map(([, name = ""]) => name);
    expect(names.length).toBeGreaterThanOrEqual(18);
    for (const name of names.filter((one) => one !== "help")) {
      const help = await run([name, "--help"]);
      expect(help.code).toBe(0);
      expect(help.stdout).toContain(`$ model-ledger ${name}`);
    }
  });
});

describe("the program as a process", () => {
  const env = { ...process.env, MODEL_LEDGER_STORE: `sqlite:${join(folder, "process.db")}` };
  const run = (node: string, ...argv: string[]) =>
    spawnSync(node, [bin, ...argv], { encoding: "utf8", env, cwd: folder });

  test("takes a variable that is set to nothing for none", () => {
    const nothing = { ...env, MODEL_LEDGER_STORE: "", MODEL_LEDGER_READ_MODEL: "", MODEL_LEDGER_TOKEN: "" };
    const asked = spawnSync(process.execPath, [bin, "projects"], { encoding: "utf8", env: nothing, cwd: folder });
    expect(asked.stderr).toContain("there is no ledger at ./model-ledger.db yet");
  });

  test("records, watches live and ends politely", async () => {
    expect(run(process.execPath, ...TRAIN).status).toBe(0);
    const watcher = spawn(process.execPath, [bin, "watch", "--from", "start", "--json"], { env, cwd: folder });
    const seen: string[] = [];
    watcher.stdout.on("data", (chunk) => seen.push(...String(chunk).trim().split("\n")));
    const has = async (count: number) => {
      while (seen.length < count) await once(watcher.stdout, "data");
    };
    await has(2);
    expect(run(process.execPath, ...BETTER).status).toBe(0);
    await has(4);
    watcher.kill("SIGTERM");
    expect(await once(watcher, "exit")).toEqual([0, null]);
    expect(seen.map((line) => JSON.parse(line).type)).toEqual([
      "ModelTrained",
      "ModelDeployed",
      "ModelTrained",
      "ModelDeployed",
    ]);
  });

  test("watches quietly: positions alone", async () => {
    const watcher = spawn(process.execPath, [bin, "watch", "--from", "start", "--quiet"], { env, cwd: folder });
    const [first] = await once(watcher.stdout, "data");
    expect(String(first)).toMatch(/^(\d{16}\n)+$/);
    watcher.kill("SIGTERM");
    expect(await once(watcher, "exit")).toEqual([0, null]);
  });

  test("verify finds a changed field and ends with 5", () => {
    const database = new Database(join(folder, "process.db"));
    database.exec("UPDATE events SET data = replace(data, '0.9', '0.99') WHERE position = 1");
    database.close();
    const { status, stderr } = run(process.execPath, "verify");
    expect([status, stderr]).toEqual([
      5,
      expect.stringMatching(/verification failed at event 0 of modelLedger-Digits/),
    ]);
  });

  test("completes the names of commands", () => {
    expect(run(process.execPath, "complete", "bash").stdout).toContain("model-ledger");
    expect(run(process.execPath, "complete", "--", "dep").stdout).toContain("deploy");
  });

  const oldNode = ["/usr/bin/node", "/usr/local/bin/node"].find((path) => {
    const major = existsSync(path)
      ? /^v(\d+)/.exec(spawnSync(path, ["--version"], { encoding: "utf8" }).stdout)?.[1]
      : undefined;
    return major !== undefined && Number(major) < 22;
  });
  if (oldNode === undefined)
    console.warn("SKIPPED: there is no Node older than 22 on this machine to start the program with");
  test.skipIf(oldNode === undefined)("started with an old Node goes on with the repository's own", () => {
    const { status, stdout } = run(oldNode ?? "", "--version");
    expect([status, stdout.trim()]).toEqual([0, "0.1.0"]);
  });
});
