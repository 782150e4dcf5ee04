import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { receiver } from "../subscriptions/receiver.ts";
import { programIn } from "./program.ts";

const TRAIN = ["train", "Digits", "--task", "classification", "--algorithm", "svm", "--metric", "f1=0.9"];

test("add, list, run, deliveries, redeliver, remove", async () => {
  const { url, received } = await receiver((response, _, count) => response.writeHead(count === 1 ? 500 : 200).end());
  const run = programIn();
  const add = ["webhook", "add", url, "--events", "ModelDeployed,ModelRetired", "--project", "Dig*", "--allow-private"];
  const dry = await run([...add, "--dry-run", "--json"]);
  expect(dry.code).toBe(0);
  const added = await run([...add, "--environment", "production", "--json"]);
  const { id, secret } = JSON.parse(added.stdout);
  expect(JSON.parse(added.stdout)).toMatchObject({ url, types: ["ModelDeployed", "ModelRetired"], project: "Dig*" });
  expect(secret).toMatch(/^whsec_/);
  expect((await run(["webhook", "list", "--json"])).stdout.trim().split("\n")).toHaveLength(1);
  await run(TRAIN);
  const stop = new AbortController();
  const running = run(["webhook", "run", "--json"], { signal: stop.signal });
  await expect.poll(() => received.length, { timeout: 60_000 }).toBe(2);
  await expect.poll(async () => (await run(["webhook", "list"])).stdout, { timeout: 60_000 }).toMatch(/ {2}1 +0/);
  stop.abort();
  const { stdout, code } = await running;
  expect(code).toBe(0);
  const kinds = stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line).kind);
  expect(kinds).toEqual(["reading", "failed", "handled"]);
  const deliveries = await run(["webhook", "deliveries", id]);
  expect(deliveries.stdout).toMatch(/ModelDeployed.*delivered \(200\)/);
  expect((await run(["webhook", "deliveries", "--failed"])).stderr).toContain("no such deliveries");
  const [delivery] = (await run(["webhook", "deliveries", "--json"])).stdout.trim().split("\n");
  const { eventId } = JSON.parse(delivery ?? "");
  expect((await run(["webhook", "redeliver", id, eventId])).stdout).toContain("delivered");
  expect(received.map(({ headers }) => headers["webhook-id"])).toEqual([eventId, eventId, eventId]);
  expect((await run(["webhook", "remove", id])).stdout).toContain("is removed");
  const gone = await run(["webhook", "remove", id]);
  expect([gone.code, gone.stderr]).toEqual([1, expect.stringContaining("WEBHOOK_NOT_FOUND")]);
  for (const { stdout: out, stderr } of [deliveries, gone, { stdout, stderr: "" }])
    expect(out + stderr).not.toContain(secret);
});

test("a secret from a file is not printed, and wrong options are said in words", async () => {
  const run = programIn();
  const file = join(mkdtempSync(join(tmpdir(), "model-ledger-secret-")), "secret");
  const secret = `whsec_${Buffer.alloc(24, 1).toString("base64")}`;
  writeFileSync(file, `${secret}\n`);
  const added = await run(["webhook", "add", "https://example.com/", "--secret-file", file]);
  expect(added.code).toBe(0);
  expect(added.stdout + added.stderr).not.toContain(secret.slice(6));
  const refused = async (...argv: string[]) => {
    const { code, stderr } = await run(["webhook", "add", ...argv]);
    expect(code).toBe(2);
    return stderr;
  };
  expect(await refused("http://127.0.0.1/")).toContain("--allow-private");
  expect(await refused("https://example.com/", "--events", "ModelEaten")).toContain("--events");
  expect(await refused("https://example.com/", "--secret-file", "/nowhere")).toContain("--secret-file");
});
