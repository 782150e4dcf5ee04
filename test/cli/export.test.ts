import { execFileSync, spawnSync } from "node:child_process";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { programIn } from "./program.ts";

async function withLedger() {
  const folder = mkdtempSync(join(tmpdir(), "model-ledger-export-"));
  const run = programIn(folder);
  const train = ["--task", "classification", "--algorithm", "svm", "--metric", "f1=0.9"];
  await run(["train", "Digits", ...train]);
  await run(["train", "Letters", ...train]);
  return { folder, run, file: join(folder, "out.ndjson") };
}

test("export writes NDJSON, import restores it, verify needs no ledger for it", async () => {
  const { folder, run, file } = await withLedger();
  expect(await run(["export", "--out", file])).toMatchObject({ code: 0, stdout: `4 events exported to ${file}\n` });
  expect((await run(["export"])).stdout).toBe(readFileSync(file, "utf8"));
  expect((await run(["export", "--project", "Letters"])).stdout.split("\n")).toHaveLength(3);
  expect(await run(["verify", "--from-export", file])).toMatchObject({
    code: 0,
    stdout: "4 events of 2 projects verified: every hash follows from the one before\n",
  });
  const other = ["--store", `sqlite:${join(folder, "other.db")}`];
  expect(await run(["import", file, "--dry-run", ...other])).toMatchObject({
    code: 0,
    stdout: "dry run, nothing was written: 4 events of 2 projects verified, 4 would be imported\n",
  });
  expect(readdirSync(folder)).not.toContain("other.db");
  expect((await run(["import", file, ...other])).stdout).toBe("4 events of 2 projects verified, 4 imported\n");
  expect((await run(["export", ...other])).stdout).toBe(readFileSync(file, "utf8"));
  expect((await run(["import", file, ...other, "--json"])).stdout).toBe('{"events":4,"streams":2,"written":0}\n');
});

test("a broken export ends with 5 and names its first broken event; importing it leaves no ledger behind", async () => {
  const { folder, run, file } = await withLedger();
  await run(["export", "--out", file]);
  writeFileSync(file, readFileSync(file, "utf8").replace(/("revision":"1".*)0\.9/, "$10.8"));
  const verified = await run(["verify", "--from-export", file]);
  expect(verified).toMatchObject({ code: 5, stdout: "" });
  expect(verified.stderr).toMatch(/failed at line 2, event 1 of modelLedger-Digits: its hash is/);
  expect((await run(["verify", "--from-export", file, "--json"])).stdout).toMatch(
    /"firstBroken":\{"stream":"modelLedger-Digits","revision":"1","why":"its hash/,
  );
  const imported = await run(["import", file, "--store", `sqlite:${join(folder, "other.db")}`]);
  expect(imported).toMatchObject({ code: 5, stdout: "" });
  expect(imported.stderr).toMatch(/line 2 of the export, event 1 of modelLedger-Digits/);
  expect(readdirSync(folder)).not.toContain("other.db");
});

test("an export goes into a pipe or a device that is there, and to where a link leads, and replaces neither", async () => {
  const { folder, run, file } = await withLedger();
  const pipe = join(folder, "pipe");
  execFileSync("mkfifo", [pipe]);
  const read = readFile(pipe, "utf8");
  expect(await run(["export", "--out", pipe])).toMatchObject({ code: 0, stderr: "" });
  expect(lstatSync(pipe).isFIFO()).toBe(true);
  const exported = await read;
  expect(exported).toBe((await run(["export"])).stdout);

  writeFileSync(file, "an older one");
  const link = join(folder, "latest.ndjson");
  symlinkSync(file, link);
  expect((await run(["export", "--out", link])).code).toBe(0);
  expect(lstatSync(link).isSymbolicLink()).toBe(true);
  expect(readFileSync(file, "utf8")).toBe(exported);
});

test("an export that fails leaves the file before it as it was, and no half of a new one", async () => {
  const { folder, run, file } = await withLedger();
  writeFileSync(file, "an older one");
  expect((await run(["export", "--project", "Nobody", "--out", file])).code).toBe(1);
  const aborted = { signal: AbortSignal.abort() };
  expect((await run(["export", "--out", file], aborted)).code).toBe(130);
  expect(readFileSync(file, "utf8")).toBe("an older one");
  mkdirSync(join(folder, "taken"));
  expect((await run(["export", "--out", join(folder, "taken")])).code).toBe(2);
  expect((await run(["export", "--out", join(folder, "no", "such")])).code).toBe(2);
  expect((await run(["import", join(folder, "none.ndjson")])).code).toBe(2);
  expect(readdirSync(folder).filter((name) => name.includes("partial"))).toEqual([]);
});

const MAIN = fileURLToPath(new URL("../../src/main.ts", import.meta.url));

test.each(["/dev/stdin", "-"])(
  "an export that comes through a pipe as %s is imported and verified whole",
  async (name) => {
    const { folder, run } = await withLedger();
    const { stdout: input } = await run(["export"]);
    const piped = (...argv: string[]) => {
      const tmp = { ...process.env, TMPDIR: folder };
      return spawnSync("sh", ["-c", 'cat | "$@"', "sh", process.execPath, MAIN, ...argv], {
        input,
        env: tmp,
        encoding: "utf8",
      });
    };
    const store = ["--store", `sqlite:${join(folder, "piped.db")}`];
    expect(piped("import", name, ...store)).toMatchObject({
      status: 0,
      stdout: "4 events of 2 projects verified, 4 imported\n",
    });
    expect((await run(["export", ...store])).stdout).toBe(input);
    expect(piped("verify", "--from-export", name)).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(/^4 events/),
    });
    expect(readdirSync(folder).filter((entry) => entry.startsWith("model-ledger-"))).toEqual([]);
  },
);

test("a compressed export is called what it is", async () => {
  const { run, file } = await withLedger();
  writeFileSync(file, gzipSync((await run(["export"])).stdout));
  for (const command of [
    ["import", file],
    ["verify", "--from-export", file],
  ]) {
    expect(await run(command)).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/is compressed: give what gunzip/),
    });
  }
});

test.runIf(existsSync("/dev/full"))("a full disk under --out ends with 3, in words", async () => {
  const { run } = await withLedger();
  expect(await run(["export", "--out", "/dev/full"])).toEqual({
    code: 3,
    stdout: "",
    stderr: 'model-ledger: STORE_UNAVAILABLE: "/dev/full" cannot be written: the disk is full\n',
  });
});
