import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import openapiTS, { astToString } from "openapi-typescript";
import { afterAll, beforeAll, expect, test } from "vitest";
import { tokenAccess } from "../../src/access/access.ts";
import { Tokens } from "../../src/access/tokens.ts";
import { LocalLedger } from "../../src/api/local-ledger.ts";
import { httpApp } from "../../src/http/app.ts";
import { systemRuntime } from "../../src/runtime.ts";
import { memoryEventStore } from "../../src/store/memory.ts";
import type { Document } from "./document.ts";

/**
 * A client that openapi-typescript and openapi-fetch make of the served document. Its program is checked against the
 * generated types and then run: each call prints its operation, and takes from its answer what the types say is there.
 */
const PROGRAM = `
import createClient from "openapi-fetch";
import type { paths } from "./schema.ts";

const client = createClient<paths>({
  baseUrl: process.env.URL ?? "",
  headers: { authorization: \`Bearer \${process.env.TOKEN}\` },
});
client.use({ onRequest: ({ request, schemaPath }) => console.log(\`\${request.method} \${schemaPath}\`) });

function got<Data>({ data, error }: { data?: Data; error?: { code: string; detail: string } }): Data {
  if (data === undefined) throw new Error(error ? \`\${error.code}: \${error.detail}\` : "no answer");
  return data;
}
/** Where another type could have been asked for by Accept. */
function json<Page>(page: Page | string): Page {
  if (typeof page === "string") throw new Error("no JSON");
  return page as Page;
}
function same<Value>(a: Value, b: Value): void {
  if (a !== b) throw new Error(\`\${a} is not \${b}\`);
}

const project = "Digits / 数字";
const path = { project };
const header = (key: string) => ({ "Idempotency-Key": key });

same(got(await client.GET("/healthz")).status, "ok");
same(got(await client.GET("/readyz")).status, "ready");
const me = got(await client.GET("/v1/token"));
same(me.name, "client");
same(me.scopes.includes("admin"), true);

const training = { task: "classification", algorithm: "svm", metrics: { f1: 0.9 } };
const post = { params: { path, header: header("one") }, body: training };
const first = got(await client.POST("/v1/projects/{project}/models", post));
same(first.version, 1);
same(first.deployment?.number, 1);
same(got(await client.POST("/v1/projects/{project}/models", post)).modelId, first.modelId);
got(await client.POST("/v1/projects/{project}/models", { params: { path }, body: { ...training, metrics: { f1: 0.5 } } }));
const deployed = got(await client.POST("/v1/projects/{project}/deployments", { params: { path }, body: { strategy: "most_recent" } }));
same(deployed.replaces?.modelId, first.modelId);
const lost = await client.POST("/v1/projects/{project}/deployments", { params: { path, header: { "If-Match": '"0"' } } });
same(lost.error?.code, "CONFLICT");
same(lost.response.status, 412);
same(got(await client.POST("/v1/projects/{project}/promotions", { params: { path }, body: { from: "production", to: "staging" } })).promotedFrom, "production");
const one = { ...path, model: 1 };
same(got(await client.POST("/v1/projects/{project}/models/{model}/retirement", { params: { path: one }, body: { reason: "leaked" } })).retired, true);
same(got(await client.DELETE("/v1/projects/{project}/models/{model}/retirement", { params: { path: one, query: { reason: "not at all" } } })).retired, false);
const policy = got(await client.PUT("/v1/projects/{project}/policy", { params: { path }, body: { minImprovement: 0.1 } })).policy;
same(policy.minImprovement, 0.1);
same(got(await client.GET("/v1/projects/{project}/policy", { params: { path } })).metric, "f1");

const min_position = deployed.position ?? "";
same(got(await client.GET("/v1/projects", { params: { query: { limit: 10 } } })).items[0]?.project, project);
same(got(await client.GET("/v1/projects/{project}", { params: { path, query: { min_position } } })).models, 2);
same(got(await client.GET("/v1/projects/{project}/active", { params: { path, query: { at: "1" } } })).version, 1);
const active = await client.GET("/v1/projects/{project}/active", { params: { path } });
same(got(active).version, 2);
const etag = active.response.headers.get("etag") ?? "";
same((await client.GET("/v1/projects/{project}/active", { params: { path, header: { "If-None-Match": etag } } })).response.status, 304);
const page = got(await client.GET("/v1/projects/{project}/models", { params: { path, query: { limit: 1, retired: false } } }));
same(got(await client.GET("/v1/projects/{project}/models", { params: { path, query: { limit: 1, retired: false, cursor: page.next } } })).items[0]?.version, 2);
same(got(await client.GET("/v1/projects/{project}/models/{model}", { params: { path: { project, model: first.modelId } } })).metrics.f1, 0.9);
same(got(await client.GET("/v1/projects/{project}/models/{model}/explanation", { params: { path: { project, model: 2 } } })).outcome, "kept");
same(got(await client.GET("/v1/projects/{project}/leaderboard", { params: { path } })).items[0]?.place, 1);
same(json(got(await client.GET("/v1/projects/{project}/deployments", { params: { path, query: { order: "asc" } } }))).items[0]?.number, 1);
same(got(await client.GET("/v1/projects/{project}/deployments/{number}/explanation", { params: { path: { project, number: 2 } } })).comparedWith?.version, 1);
same(got(await client.GET("/v1/projects/{project}/timeline", { params: { path } })).items[0]?.model.version, 1);
same(json(got(await client.GET("/v1/deployments", { params: { query: { actor: "client" } } }))).items.length, 3);
const csv = await client.GET("/v1/deployments", { headers: { accept: "text/csv" }, parseAs: "text" });
same(String(csv.data).startsWith("project,"), true);
same(got(await client.GET("/v1/active", {})).items.length, 2);
same(got(await client.GET("/v1/verify", { params: { query: { project } } })).ok, true);
same(String((await client.GET("/metrics", { parseAs: "text" })).data).includes("model_ledger_store_up 1"), true);

const stop = new AbortController();
const events = await client.GET("/v1/events", {
  params: { query: { from: "start", type: ["ModelDeployed"], project } },
  parseAs: "stream",
  signal: stop.signal,
});
const reader = events.data?.pipeThrough(new TextDecoderStream()).getReader();
let text = "";
while (!text.includes("event: ModelDeployed")) text += (await reader?.read())?.value ?? "";
stop.abort();
`;

const root = join(import.meta.dirname, "../..");
const folder = mkdtempSync(join(tmpdir(), "model-ledger-client-"));
let stop: () => Promise<unknown> = async () => undefined;
let [url, token] = ["", ""];
let document: Document = { paths: {}, tags: [] };

beforeAll(async () => {
  const store = memoryEventStore();
  const ledger = new LocalLedger(store);
  const tokens = new Tokens(store, systemRuntime());
  token = (await tokens.create({ name: "client", scopes: ["admin"] })).secret;
  const access = tokenAccess({ tokens: () => tokens, isOpenUntilTokens: false });
  const app = await httpApp(ledger, { access });
  url = await app.listen({ port: 0, host: "127.0.0.1" });
  stop = () => app.close();
  document = (await (await fetch(`${url}/openapi.json`)).json()) as Document;
  const types = astToString(await openapiTS(JSON.stringify(document), { defaultNonNullable: false }));
  writeFileSync(join(folder, "schema.ts"), types);
  writeFileSync(join(folder, "client.ts"), PROGRAM);
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
}, 120_000);

afterAll(async () => {
  await stop();
  rmSync(folder, { recursive: true, force: true });
});

test("a generated client's types fit a program that makes every call", { timeout: 120_000 }, () => {
  const tsc = join(root, "node_modules/typescript/bin/tsc");
  const options = ["--strict", "--noEmit", "--target", "es2024", "--module", "nodenext", "--types", "node"];
  const extra = ["--allowImportingTsExtensions", "--skipLibCheck", join(folder, "client.ts")];
  const { stdout, status } = spawnSync(process.execPath, [tsc, ...options, ...extra], {
    encoding: "utf8",
    cwd: folder,
  });
  expect({ status, stdout }).toEqual({ status: 0, stdout: "" });
});

test("a generated client can do every call of the document, and no operation is left out", {
  timeout: 120_000,
}, async () => {
  const child = spawn(process.execPath, [join(folder, "client.ts")], {
    env: { ...process.env, URL: url, TOKEN: token },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [called, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  expect(stderr).toBe("");
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  );
  expect([...new Set(called.trim().split("\n"))].sort()).toEqual(operations.sort());
});

test("every operation has an id of its own, a tag that is explained, and the scope it asks for", () => {
  const { tags } = document;
  const operations = Object.values(document.paths).flatMap((methods) => Object.values(methods));
  const ids = operations.map(({ operationId }) => operationId);
  expect(new Set(ids).size).toBe(ids.length);
  const scopes = Object.fromEntries(
    operations.map(({ operationId, security }) => [operationId, security[0]?.token?.[0]]),
  );
  expect(scopes).toMatchObject({ recordTraining: "train", deploy: "deploy", setPolicy: "admin", verify: "read" });
  expect(scopes.isAlive).toBeUndefined();
  const known = tags.map(({ name }) => name);
  for (const { operationId, tags } of operations)
    expect([operationId, known]).toEqual([operationId, expect.arrayContaining([...tags])]);
});
