import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { systemRuntime } from "../../src/runtime.ts";
import { sqliteEventStore } from "../../src/store/sqlite.ts";
import { madeUpStore } from "../bench/made-up-log.ts";
import { programIn } from "./program.ts";

const train = (project: string, f1: string, ...more: readonly string[]) => [
  ...["train", project, "--task", "classification", "--algorithm", "svm", "--metric", `f1=${f1}`],
  ...more,
];

async function withTwoProjects() {
  const run = programIn();
  for (const argv of [
    train("Digits", "0.5", "--artifact-digest", "sha256:1", "--artifact-uri", "s3://1", "--actor", "ci"),
    train("Spam", "0.6", "--actor", "ci"),
    train("Digits", "0.7", "--actor", "ann", "--reason", "Error rate doubled"),
    ["rollback", "Digits", "--actor", "bob", "--reason", "too slow"],
  ]) {
    expect((await run(argv)).code).toBe(0);
  }
  return run;
}

const found = (text: string): unknown[] =>
  text
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line))
    .map(({ project, number }) => `${project} ${number}`);

test("audit searches the deployments of all projects by every filter", async () => {
  const run = await withTwoProjects();
  const search = async (...filter: readonly string[]) => found((await run(["audit", "--json", ...filter])).stdout);
  expect(await search()).toEqual(["Digits 3", "Digits 2", "Spam 1", "Digits 1"]);
  expect(await search("--order", "asc", "--limit", "2")).toEqual(["Digits 1", "Spam 1"]);
  expect(await search("--actor", "ci")).toEqual(["Spam 1", "Digits 1"]);
  expect(await search("--project", "Spam")).toEqual(["Spam 1"]);
  expect(await search("--strategy", "rollback")).toEqual(["Digits 3"]);
  expect(await search("--artifact-digest", "sha256:1")).toEqual(["Digits 3", "Digits 1"]);
  expect(await search("--reason", "RATE")).toEqual(["Digits 2"]);
  expect(await search("--project", "Digits", "--model", "2")).toEqual(["Digits 2"]);
  expect(await search("--to", "2020-01-01")).toEqual([]);
  expect(await search("--environment", "staging")).toEqual([]);
});

test("audit pages by the position of its last row", async () => {
  const run = await withTwoProjects();
  const page = await run(["audit", "--limit", "3", "--quiet"]);
  const cursor = page.stdout.trim().split("\n").at(-1) ?? "";
  expect(found((await run(["audit", "--after", cursor, "--json"])).stdout)).toEqual(["Digits 1"]);
});

test("audit prints a table, NDJSON, CSV or CloudEvents", async () => {
  const run = await withTwoProjects();
  expect((await run(["audit"])).stdout).toMatch(/^when +project +environment .*\n.*Digits +production +3 +bob/);
  const as = async (format: string, ...more: readonly string[]) =>
    (await run(["audit", "--order", "asc", "--format", format, ...more])).stdout.split("\n");
  expect(JSON.parse((await as("ndjson"))[0] ?? "")).toMatchObject({ project: "Digits", number: 1, revision: "1" });
  expect((await as("csv"))[3]).toMatch(/^Digits,production,2,.*,ann,Error rate doubled,new_score/);
  const [first = ""] = await as("cloudevents", "--source", "urn:x");
  expect(JSON.parse(first)).toMatchObject({ specversion: "1.0", source: "urn:x", subject: "Digits" });
});

test("--read-model names the file that a long ledger is searched in", async () => {
  const folder = mkdtempSync(join(tmpdir(), "model-ledger-audit-"));
  const shape = { projects: 3, deployments: 2_100 };
  const store = await sqliteEventStore(join(folder, "ledger.db"), systemRuntime());
  const events = Map.groupBy(await Array.fromAsync(madeUpStore(shape).readAll()), ({ stream }) => stream);
  for (const [stream, all] of events) await store.append(stream, all, "no_stream");
  await store.close();
  const file = join(folder, "elsewhere");
  const found = await programIn(folder)(["audit", "--read-model", file, "--reason", "ticket 2000", "--json"]);
  expect(JSON.parse(found.stdout)).toMatchObject({ reason: expect.stringContaining("ticket 2000") });
  expect(existsSync(file)).toBe(true);
  rmSync(folder, { recursive: true });
});

test("audit refuses what it does not understand", async () => {
  const run = await withTwoProjects();
  for (const argv of [
    ["--format", "xml"],
    ["--source", "urn:x"],
    ["--model", "2"],
    ["--order", "up"],
    ["--from", "2026-02-01", "--to", "2026-01-01"],
  ]) {
    expect((await run(["audit", ...argv])).code).toBe(2);
  }
  expect((await run(["audit", "--project", "Nobody"])).stderr).toContain("PROJECT_NOT_FOUND");
});

test("active --all tells what is and was active everywhere", async () => {
  const run = await withTwoProjects();
  expect((await run(["promote", "Spam", "--from", "production", "--to", "staging"])).code).toBe(0);
  const active = async (...more: readonly string[]) =>
    (await run(["active", "--all", "--json", ...more])).stdout
      .split("\n")
      .filter(Boolean)
      .map((line) => JSON.parse(line))
      .map(({ project, environment, version }) => `${project} ${environment} ${version}`);
  expect(await active()).toEqual(["Digits production 1", "Spam production 1", "Spam staging 1"]);
  expect(await active("--environment", "staging")).toEqual(["Spam staging 1"]);
  expect(await active("--at", "2020-01-01")).toEqual([]);
  const [, position = ""] = (await run(["audit", "--quiet"])).stdout.split("\n").reverse().filter(Boolean);
  expect(await active("--at-position", position)).toEqual(["Digits production 1", "Spam production 1"]);
  for (const wrong of [["Digits", "--all"], ["--all", "--at-revision", "1"], []]) {
    expect((await run(["active", ...wrong])).code).toBe(2);
  }
});
