import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { COMMANDS } from "../../src/cli/program.ts";
import { openLedger } from "../../src/index.ts";
import { programIn } from "./program.ts";

const root = mkdtempSync(join(tmpdir(), "model-ledger-dry-"));
const template = join(root, "template");
afterAll(() => rmSync(root, { recursive: true, force: true }));

const PROJECT = "Digits";
/** Where nobody listens. */
const NOBODY = "http://127.0.0.1:9/";
let webhook = "";

/** A ledger in which every command finds something to do. */
beforeAll(async () => {
  mkdirSync(template);
  const run = programIn(template);
  const train = ["train", PROJECT, "--task", "classification", "--algorithm", "svm", "--metric"];
  for (const metric of ["f1=0.8", "f1=0.9", "f1=0.7"]) await run([...train, metric]);
  await run(["retire", PROJECT, "--model", "3"]);
  await run(["train", "Frozen", "--task", "classification", "--algorithm", "svm", "--metric", "f1=0.8"]);
  await run(["freeze", "Frozen", "--reason", "audit"]);
  await run(["token", "create", "--name", "old", "--scope", "read"]);
  await run(["keygen", join(template, "key")]);
  await run(["export", "--out", join(template, "export.ndjson")]);
  await using ledger = await openLedger(`sqlite:${join(template, "ledger.db")}`);
  ({ id: webhook } = await ledger.webhooks.add({ url: NOBODY, allowPrivate: true }));
  await ledger.recordTraining({ project: PROJECT, algorithm: "svm", metrics: { f1: 0.1 } });
  const [isTried, isParked] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const stop = new AbortController();
  const delivering = ledger.webhooks.run({
    signal: stop.signal,
    observe: (_, { kind }) => kind === "failed" && isTried.resolve(),
  });
  const reading = ledger.subscriptions.run({
    name: "reload",
    maxAttempts: 1,
    signal: stop.signal,
    observe: ({ kind }) => kind === "parked" && isParked.resolve(),
    handle: () => Promise.reject(new Error("no")),
  });
  await Promise.all([isTried.promise, isParked.promise]);
  stop.abort();
  await Promise.all([delivering, reading]);
}, 60_000);

interface Case {
  /** Without the name of the command. */
  readonly args?: (folder: string) => readonly string[];
  /** Whether it changes the ledger or makes a file where it is not a dry run. */
  readonly writes?: true;
  /** It can only be done: a dry run is refused. */
  readonly refused?: true;
}

const TRAINING = ["--algorithm", "svm", "--metric", "f1=0.95"];
const CASES: Readonly<Record<string, Case>> = {
  train: { args: () => [PROJECT, ...TRAINING], writes: true },
  deploy: { args: () => [PROJECT], writes: true },
  rollback: { args: () => [PROJECT], writes: true },
  promote: { args: () => [PROJECT, "--from", "production", "--to", "staging"], writes: true },
  retire: { args: () => [PROJECT, "--model", "1"], writes: true },
  reinstate: { args: () => [PROJECT, "--model", "3"], writes: true },
  policy: { args: () => [PROJECT, "--require-reason"], writes: true },
  freeze: { args: () => [PROJECT, "--reason", "audit"], writes: true },
  unfreeze: { args: () => ["Frozen"], writes: true },
  active: { args: () => [PROJECT] },
  projects: {},
  models: { args: () => [PROJECT] },
  leaderboard: { args: () => [PROJECT] },
  history: { args: () => [PROJECT] },
  timeline: { args: () => [PROJECT] },
  explain: { args: () => [PROJECT, "1"] },
  audit: {},
  "what-if": { args: () => [PROJECT, "--policy", "automaticDeploy=not_worse"] },
  watch: { args: () => ["--name", "new", "--from", "start"], writes: true, refused: true },
  verify: {},
  export: { args: (folder) => ["--out", join(folder, "out.ndjson")], writes: true, refused: true },
  import: { args: (folder) => [join(folder, "export.ndjson"), "--store", storeIn(folder, "restored")], writes: true },
  "init-projections": { refused: true }, // this store has none; test/cli/init-projections.test.ts has one that does
  demo: { refused: true },
  subscriptions: {},
  "park list": {},
  "park retry": { args: () => ["reload"], writes: true },
  "park drop": { args: () => ["reload"], writes: true },
  "webhook add": { args: () => ["https://example.com/"], writes: true },
  "webhook list": {},
  "webhook remove": { args: () => [webhook], writes: true },
  "webhook deliveries": {},
  "webhook redeliver": { args: () => [webhook], writes: true },
  "webhook run": { writes: true, refused: true },
  keygen: { args: (folder) => [join(folder, "key"), "--force"], writes: true },
  receipt: { args: (folder) => [PROJECT, "1", ...signedInto(folder)], writes: true, refused: true },
  prove: { args: (folder) => [PROJECT, "1", ...signedInto(folder)], writes: true, refused: true },
  serve: { refused: true },
  "token create": { args: () => ["--name", "new", "--scope", "read"], writes: true },
  "token list": {},
  "token revoke": { args: () => ["old"], writes: true },
};

const storeIn = (folder: string, name: string): string => `sqlite:${join(folder, `${name}.db`)}`;
const signedInto = (folder: string): readonly string[] => ["--key", join(folder, "key"), "--out", join(folder, "out")];

/** All rows of all tables of the ledger, and every other file: what a read leaves beside the ledger is none of it. */
function contentsOf(folder: string): unknown {
  const files = readdirSync(folder).filter((name) => !/^ledger\.db|\.db-|read-model/.test(name));
  const database = new DatabaseSync(join(folder, "ledger.db"), { readOnly: true });
  try {
    const tables = database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name").all();
    return {
      files: files.map((name) => [name, readFileSync(join(folder, name), "base64")]),
      rows: tables.map(({ name }) => [name, database.prepare(`SELECT * FROM "${name}"`).all()]),
    };
  } finally {
    database.close();
  }
}

const names = COMMANDS.map(({ within, signature }) => [within, signature.split(" ")[0]].filter(Boolean).join(" "));

describe("with --dry-run nothing is written, and without it something is", () => {
  test.for(names)("%s", { timeout: 20_000 }, async (name) => {
    const { args = () => [], writes = false, refused = false } = CASES[name] ?? expect.fail("say what it does");
    const folder = mkdtempSync(join(root, "case-"));
    cpSync(template, folder, { recursive: true });
    const run = programIn(folder);
    const argv = [...name.split(" "), ...args(folder)];
    const before = contentsOf(folder);
    const dry = await run([...argv, "--dry-run"], { signal: AbortSignal.timeout(5_000) });
    expect(contentsOf(folder)).toEqual(before);
    expect(dry.code, dry.stderr).toBe(refused ? 2 : 0);
    if (!writes) return;
    if (!refused) expect(dry.stdout + dry.stderr).toMatch(/dry run|would/);
    await run(argv, { signal: AbortSignal.timeout(5_000) });
    expect(contentsOf(folder)).not.toEqual(before);
  });
});

test("a dry run of what is not there is refused as the command would be", async () => {
  const folder = mkdtempSync(join(root, "case-"));
  cpSync(template, folder, { recursive: true });
  const run = programIn(folder);
  const commands: readonly (readonly [string, ...string[]])[] = [
    ["park", "retry", "nobody"],
    ["park", "drop", "nobody"],
    ["park", "retry", "reload", "nothing"],
    ["park", "drop", "reload", "nothing"],
    ["webhook", "remove", "nothing"],
    ["webhook", "redeliver", "nothing"],
    ["webhook", "redeliver", webhook, "nothing"],
    ["webhook", "add", NOBODY],
    ["token", "revoke", "nobody"],
    ["token", "create", "--name", "old", "--scope", "read"],
    ["keygen", join(folder, "key")],
  ];
  for (const command of commands) {
    const [dry, real] = [await run([...command, "--dry-run"]), await run(command)];
    expect(dry, command.join(" ")).toEqual(real);
    expect([1, 2]).toContain(real.code);
  }
});

test("a dry run tells no secret, and makes no ledger where there is none", async () => {
  const folder = mkdtempSync(join(root, "case-"));
  const run = programIn(folder);
  for (const json of [[], ["--json"]]) {
    for (const command of [
      ["token", "create", "--name", "new", "--scope", "read"],
      ["webhook", "add", "https://example.com/"],
    ]) {
      const { code, stdout } = await run([...command, "--dry-run", ...json]);
      expect([code, stdout]).toEqual([0, expect.not.stringMatching(/mlt_|whsec_/)]);
      expect(stdout).toMatch(json.length > 0 ? /"dryRun":true/ : /^dry run, nothing was written: /);
    }
  }
  expect(readdirSync(folder)).toEqual([]);
});
