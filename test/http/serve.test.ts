import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, openSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { expect, test } from "vitest";
import { receiver } from "../subscriptions/receiver.ts";

const main = join(import.meta.dirname, "../../src/main.ts");
const newFolder = () => mkdtempSync(join(tmpdir(), "model-ledger-serve-"));

/** The program, serving; `url` once it says where. */
async function serving(
  args: readonly string[] = [],
  store = `sqlite:${join(newFolder(), "ledger.db")}`,
  environment: Readonly<Record<string, string>> = {},
) {
  const child = spawn(process.execPath, [main, "--store", store, "--json", "serve", "--port", "0", ...args], {
    env: { ...process.env, ...environment },
  });
  const exited = once(child, "exit") as Promise<[number | null, string | null]>;
  const stderr: string[] = [];
  child.stderr.on("data", (chunk) => stderr.push(String(chunk)));
  const line = await Promise.race([
    once(createInterface(child.stdout), "line"),
    once(child, "close").then(([code]) => Promise.reject(new Error(`exit ${code}: ${stderr.join("")}`))),
  ]);
  const { url } = JSON.parse(String(line[0])) as { readonly url: string };
  return { child, exited, url, stderr: () => stderr.join("") };
}

async function record(url: string, project: string) {
  const body = JSON.stringify({ task: "regression", algorithm: "linear", metrics: { r2: 0.5 } });
  const headers = { "content-type": "application/json" };
  const answer = await fetch(`${url}/v1/projects/${project}/models`, { method: "POST", headers, body });
  expect(answer.status).toBe(201);
  return answer.json() as Promise<{ readonly position: string }>;
}

test("the program serves, and ends with 0 when it is asked to, event streams told", async () => {
  const { child, exited, url } = await serving();
  await record(url, "Prices");
  expect((await fetch(`${url}/healthz`)).status).toBe(200);
  expect((await fetch(`${url}/readyz`)).status).toBe(200);
  const stream = await fetch(`${url}/v1/events?from=start`);
  let text = "";
  for await (const chunk of (stream.body ?? []) as AsyncIterable<Uint8Array>) {
    text += Buffer.from(chunk).toString();
    if (child.killed || !text.includes("event: ModelTrained\nid: ")) continue;
    child.kill("SIGTERM"); // once the history is there: a stream that drains owes nobody the rest of it
  }
  expect(text).toMatch(/event: end\ndata: \{"reason":"draining"\}\n\n$/);
  expect(await exited).toEqual([0, null]);
});

test("what was recorded over HTTP is there after a restart", async () => {
  const store = `sqlite:${join(newFolder(), "ledger.db")}`;
  const first = await serving([], store);
  await record(first.url, "Prices");
  first.child.kill("SIGINT");
  expect(await first.exited).toEqual([0, null]);
  const second = await serving([], store);
  expect(await (await fetch(`${second.url}/v1/projects/Prices/active`)).json()).toMatchObject({ version: 1 });
  second.child.kill("SIGTERM");
  expect(await second.exited).toEqual([0, null]);
});

test("its log tells the start once, and every request, however soon the end comes after it", async () => {
  const { child, url, stderr } = await serving();
  const closed = once(child, "close");
  for (let count = 0; count < 40; count++) await (await fetch(`${url}/v1/projects`)).text();
  child.kill("SIGTERM");
  await closed;
  const told = stderr().trim().split("\n");
  const lines = told.map((line) => JSON.parse(line) as { readonly msg: string; readonly requestId?: string });
  const words = lines.map(({ msg }) => msg);
  expect(words).toEqual(["listening", ...Array<string>(40).fill("answered"), "draining"]);
  expect(new Set(lines.map(({ requestId }) => requestId)).size).toBe(41);
});

test("what it logged is there when it ends by an error", async () => {
  const { child, exited, url } = await serving();
  const asked = ["--port", new URL(url).port, "--jwt-issuer", "http://127.0.0.1:9"];
  await expect(serving(asked)).rejects.toThrow(/exit 2.*JWTs of the issuer are taken whomever.*somebody else listens/s);
  child.kill("SIGTERM");
  await exited;
});

/** The program, serving, its log written to `stderr`: a descriptor, or a pipe that nobody reads. */
async function servingUnread(stderr: number | "pipe") {
  const store = `sqlite:${join(newFolder(), "ledger.db")}`;
  const child = spawn(
    process.execPath,
    [main, "--store", store, "--json", "serve", "--port", "0", "--rate-limit", "0"],
    { stdio: ["ignore", "pipe", stderr] },
  );
  const exited = once(child, "exit");
  const [line] = await once(createInterface(child.stdout as Readable), "line");
  const { url } = JSON.parse(String(line)) as { readonly url: string };
  return { child, exited, url };
}

/** Some 1.5 KB in the log each. */
async function askLengthily(url: string, times: number): Promise<void> {
  for (let count = 0; count < times; count++) {
    const { status } = await fetch(`${url}/nothing/${"x".repeat(1_400)}`);
    expect(status).toBe(404);
  }
}

test("a full disk behind its log keeps nobody from being answered, nor the service from its end", async () => {
  const { child, exited, url } = await servingUnread(openSync("/dev/full", "w"));
  await askLengthily(url, 40);
  expect((await fetch(`${url}/healthz`)).status).toBe(200);
  child.kill("SIGTERM");
  expect(await exited).toEqual([0, null]);
});

test("a log that nobody reads keeps nobody from being answered, nor the service from its end", async () => {
  const { child, exited, url } = await servingUnread("pipe");
  await askLengthily(url, 400);
  child.kill("SIGTERM");
  expect(await exited).toEqual([0, null]);
});

test("a log that is read late misses nothing", async () => {
  const { child, exited, url } = await servingUnread("pipe");
  await askLengthily(url, 400);
  const read: string[] = [];
  child.stderr?.on("data", (chunk) => read.push(String(chunk)));
  await expect.poll(() => read.join("").split("\n").length, { timeout: 30_000 }).toBe(1 + 400 + 1);
  child.kill("SIGTERM");
  await exited;
  for (const line of read.join("").trim().split("\n")) expect(JSON.parse(line)).toHaveProperty("msg");
});

/** The program, run to its end on the store. */
async function ran(
  store: string,
  ...args: readonly string[]
): Promise<{ readonly name: string; readonly token: string }> {
  const child = spawn(process.execPath, [main, "--store", store, "--json", ...args]);
  const out: string[] = [];
  child.stdout.on("data", (chunk) => out.push(String(chunk)));
  const [code] = await once(child, "close");
  expect(code).toBe(0);
  return JSON.parse(out.join("") || "{}");
}

test("a token lets in from elsewhere, until another process revokes it; no secret is ever logged", async () => {
  const store = `sqlite:${join(newFolder(), "ledger.db")}`;
  const { name, token } = await ran(
    store,
    "token",
    "create",
    "--name",
    "ci",
    "--scope",
    "train",
    "--project",
    "Digits*",
  );
  expect(name).toBe("ci");
  const { child, exited, url, stderr } = await serving(["--host", "0.0.0.0"], store);
  const projects = `http://127.0.0.1:${new URL(url).port}/v1/projects`;
  const ask = () => fetch(projects, { headers: { authorization: `Bearer ${token}` } });
  expect((await fetch(projects)).status).toBe(401);
  expect((await ask()).status).toBe(200);
  expect(await ran(store, "token", "list")).toMatchObject({ name: "ci", scopes: ["train"], project: "Digits*" });
  await ran(store, "token", "revoke", "ci");
  expect((await ask()).status).toBe(401);
  child.kill("SIGTERM");
  expect(await exited).toEqual([0, null]);
  expect(stderr()).not.toContain(token);
});

test("it binds to nothing but loopback without tokens", async () => {
  await expect(serving(["--host", "0.0.0.0"])).rejects.toThrow(/exit 2.*INVALID_INPUT/);
});

test("a port that is taken is said in a sentence", async () => {
  const { child, exited, url } = await serving();
  await expect(serving(["--port", new URL(url).port])).rejects.toThrow(/exit 2.*somebody else listens there/);
  child.kill("SIGTERM");
  await exited;
});

test("where the store is not up yet it is alive, not ready, and says so", async () => {
  const { child, exited, url } = await serving([], "esdb://127.0.0.1:1?tls=false&maxDiscoverAttempts=1");
  expect((await fetch(`${url}/healthz`)).status).toBe(200);
  const ready = await fetch(`${url}/readyz`);
  expect([ready.status, await ready.json()]).toMatchObject([503, { code: "STORE_UNAVAILABLE" }]);
  expect((await fetch(`${url}/v1/projects`)).status).toBe(503);
  child.kill("SIGTERM");
  expect(await exited).toEqual([0, null]);
});

test("it exports its traces to a collector, the last ones when it ends", async () => {
  const collector = await receiver();
  const { child, exited, url } = await serving([], undefined, {
    OTEL_EXPORTER_OTLP_ENDPOINT: new URL(collector.url).origin,
  });
  await record(url, "Prices");
  child.kill("SIGTERM");
  expect(await exited).toEqual([0, null]);
  expect(collector.received.map(({ path }) => path)).toContain("/v1/traces");
  const sent = collector.received.map(({ body }) => body).join("");
  expect(sent).toContain('"name":"POST /v1/projects/:project/models"');
  expect(sent).toContain('"name":"RecordTraining"');
});
