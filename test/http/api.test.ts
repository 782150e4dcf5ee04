import { expect, test } from "vitest";
import type { Ask } from "./service.ts";
import { serviceOn } from "./service.ts";

const project = "/v1/projects/Digits";
const training = (f1: number, more: object = {}) => ({
  task: "classification",
  algorithm: "svm",
  metrics: { f1 },
  ...more,
});

async function train(ask: Ask, f1: number, more: object = {}) {
  const { status, body } = await ask("POST", `${project}/models`, training(f1, more));
  expect(status).toBe(201);
  return body;
}

test("a training is recorded, deployed and found again", async () => {
  await using service = await serviceOn();
  const { ask } = service;
  const recorded = await ask("POST", `${project}/models`, training(0.9));
  expect(recorded.status).toBe(201);
  expect(recorded.headers.location).toBe("/v1/projects/Digits/models/1");
  expect(recorded.body).toMatchObject({ version: 1, deployed: true, revision: "1", position: expect.any(String) });
  const model = await ask("GET", `${project}/models/1`);
  expect(model.body).toMatchObject({ version: 1, metrics: { f1: 0.9 } });
  expect((await ask("GET", `${project}/models/${model.body.modelId}`)).body).toEqual(model.body);
  expect((await ask("GET", `${project}/active`)).body).toMatchObject({ version: 1, revision: "1" });
  expect((await ask("GET", project)).body).toMatchObject({ project: "Digits", models: 1, deployments: 1 });
});

test("every command of the contract has its route", async () => {
  await using service = await serviceOn();
  const { ask } = service;
  await train(ask, 0.9);
  await train(ask, 0.5);
  const deployed = await ask("POST", `${project}/deployments`, { strategy: "most_recent", reason: "try it" });
  expect(deployed.body).toMatchObject({ version: 2, number: 2, strategy: "most_recent" });
  const back = await ask("POST", `${project}/deployments`, { strategy: "rollback", steps: 1 });
  expect(back.body).toMatchObject({ version: 1, number: 3, strategy: "rollback" });
  const promoted = await ask("POST", `${project}/promotions`, { from: "production", to: "staging" });
  expect(promoted.body).toMatchObject({ environment: "staging", promotedFrom: "production", number: 1 });
  const retired = await ask("POST", `${project}/models/1/retirement`, { reason: "leaked labels" });
  expect(retired.body).toMatchObject({ version: 1, retired: true, activeIn: ["production", "staging"] });
  expect((await ask("POST", `${project}/models/1/retirement`)).body.code).toBe("MODEL_RETIRED");
  expect((await ask("DELETE", `${project}/models/1/retirement`)).body).toMatchObject({ retired: false });
  const policy = await ask("PUT", `${project}/policy`, { frozen: { reason: "audit" }, reason: "asked to" });
  expect(policy.body.policy).toMatchObject({ frozen: { reason: "audit" }, automaticDeploy: "improved" });
  const same = await ask("PUT", `${project}/policy`, { policy: { minImprovement: 0.1 } });
  expect(same.body.policy).toMatchObject({ frozen: { reason: "audit" }, minImprovement: 0.1 });
  expect((await ask("GET", `${project}/policy`)).body).toEqual(same.body.policy);
  expect((await ask("POST", `${project}/deployments`, {})).body.code).toBe("PROJECT_FROZEN");
});

test("a command without a body is one with nothing in it", async () => {
  await using service = await serviceOn();
  await train(service.ask, 0.9);
  expect((await service.ask("POST", `${project}/deployments`)).body).toMatchObject({ strategy: "best_score" });
  const empty = await service.ask("POST", `${project}/deployments`, "", { "content-type": "application/json" });
  expect(empty.body).toMatchObject({ number: 3 });
});

test("a dry run answers the decision and writes nothing", async () => {
  await using service = await serviceOn();
  await train(service.ask, 0.9);
  const dry = await service.ask("POST", `${project}/deployments`, { dryRun: true });
  expect(dry).toMatchObject({ status: 200, body: { dryRun: true, number: 2 } });
  expect((await service.ask("GET", "/v1/verify")).body).toEqual({ ok: true, events: 2, streams: 1 });
});

test("refusals have the statuses of the contract", async () => {
  await using service = await serviceOn();
  const { ask } = service;
  const statusAndCode = async (...request: Parameters<Ask>) => {
    const { status, body, headers } = await ask(...request);
    expect(headers["content-type"]).toContain("application/problem+json");
    expect(body).toMatchObject({ status, title: expect.any(String), detail: expect.any(String) });
    return [status, body.code];
  };
  expect(await statusAndCode("POST", `${project}/models`, { algorithm: "svm", metrics: {} })).toEqual([
    409,
    "TASK_REQUIRED",
  ]);
  expect(await statusAndCode("GET", project)).toEqual([404, "PROJECT_NOT_FOUND"]);
  expect(await statusAndCode("GET", `${project}/active`)).toEqual([404, "PROJECT_NOT_FOUND"]);
  await ask("PUT", `${project}/policy`, { requireReason: false });
  expect(await statusAndCode("GET", `${project}/active`)).toEqual([404, "NO_ACTIVE_MODEL"]);
  await train(ask, 0.9);
  expect(await statusAndCode("GET", `${project}/models/7`)).toEqual([404, "MODEL_NOT_FOUND"]);
  expect(await statusAndCode("GET", `${project}/models/seven`)).toEqual([400, "INVALID_INPUT"]);
  expect(await statusAndCode("POST", `${project}/deployments`, { model: 7 })).toEqual([404, "MODEL_NOT_FOUND"]);
  expect(await statusAndCode("GET", `${project}/deployments/7/explanation`)).toEqual([404, "DEPLOYMENT_NOT_FOUND"]);
  expect((await ask("GET", `${project}/deployments/seven/explanation`)).body).toMatchObject({
    code: "INVALID_INPUT",
    detail: "invalid path: number: must be a deployment's number (1, 2, 3…) or its id (UUID)",
  });
  expect(await statusAndCode("POST", `${project}/deployments`, { strategy: "rollback" })).toEqual([
    409,
    "NO_PREVIOUS_DEPLOYMENT",
  ]);
  expect(await statusAndCode("POST", `${project}/deployments`, { strategie: "rollback" })).toEqual([
    400,
    "INVALID_INPUT",
  ]);
  expect(await statusAndCode("POST", `${project}/models`, { ...training(1), task: "regression" })).toEqual([
    409,
    "TASK_MISMATCH",
  ]);
  expect(await statusAndCode("POST", `${project}/models`, "not json")).toEqual([400, "INVALID_INPUT"]);
  expect(await statusAndCode("POST", `${project}/models`, "[]")).toEqual([400, "INVALID_INPUT"]);
  const xml = { "content-type": "application/xml" };
  expect(await statusAndCode("POST", `${project}/models`, "<x/>", xml)).toEqual([415, "UNSUPPORTED_MEDIA_TYPE"]);
  const text = { "content-type": "text/plain" };
  expect(await statusAndCode("POST", `${project}/models`, "{}", text)).toEqual([415, "UNSUPPORTED_MEDIA_TYPE"]);
  const large = JSON.stringify(training(1, { labels: { large: "x".repeat(1_100_000) } }));
  expect(await statusAndCode("POST", `${project}/models`, large)).toEqual([413, "TOO_LARGE"]);
  expect(await statusAndCode("GET", "/v1/nothing")).toEqual([404, "NOT_FOUND"]);
  expect(await statusAndCode("PATCH", project, {})).toEqual([405, "METHOD_NOT_ALLOWED"]);
  expect(await statusAndCode("GET", "/v1/projects?limit=0")).toEqual([400, "INVALID_INPUT"]);
  expect(await statusAndCode("GET", "/v1/projects?limit=1&limit=2")).toEqual([400, "INVALID_INPUT"]);
  expect(await statusAndCode("GET", "/v1/projects?limti=1")).toEqual([400, "INVALID_INPUT"]);
  expect(await statusAndCode("GET", "/v1/projects?cursor=made-up")).toEqual([400, "INVALID_INPUT"]);
  expect(await statusAndCode("GET", "/v1/projects/%zz")).toEqual([400, "INVALID_INPUT"]);
});

test("INVALID_INPUT names each bad field", async () => {
  await using service = await serviceOn();
  const { body } = await service.ask("POST", `${project}/models`, { algorithm: "", metrics: { f1: "high" }, x: 1 });
  expect(body.details.issues.map(({ path }: { path: string }) => path)).toEqual(["algorithm", "metrics.f1", "x"]);
});

test("a body may not say again what the path says", async () => {
  await using service = await serviceOn();
  const { status, body } = await service.ask("POST", `${project}/models`, training(1, { project: "Other" }));
  expect([status, body.details.issues[0].path]).toEqual([400, "project"]);
});

test("Idempotency-Key is the commandId", async () => {
  await using service = await serviceOn();
  const key = { "idempotency-key": "job-7" };
  const first = await service.ask("POST", `${project}/models`, training(0.9), key);
  const again = await service.ask("POST", `${project}/models`, training(0.9), key);
  expect([again.status, again.body]).toEqual([201, first.body]);
  const other = await service.ask("POST", `${project}/models`, training(0.8), key);
  expect([other.status, other.body.code]).toEqual([422, "COMMAND_REUSED"]);
  const both = await service.ask("POST", `${project}/models`, training(0.9, { commandId: "job-8" }), key);
  expect([both.status, both.body.code]).toEqual([400, "INVALID_INPUT"]);
  const { items } = (await service.ask("GET", `${project}/deployments`)).body;
  expect(items).toMatchObject([{ commandId: "job-7" }]);
});

test("If-Match is the expected revision: 412 when it was lost, 409 when the body asked", async () => {
  await using service = await serviceOn();
  const { ask } = service;
  const { revision } = await train(ask, 0.9);
  const won = await ask("POST", `${project}/deployments`, {}, { "if-match": `"${revision}"` });
  expect(won.status).toBe(201);
  const lost = await ask("POST", `${project}/deployments`, {}, { "if-match": `"${revision}"` });
  expect([lost.status, lost.body.code, lost.body.details.actual]).toEqual([412, "CONFLICT", won.body.revision]);
  const inBody = await ask("POST", `${project}/deployments`, { expectedRevision: Number(revision) });
  expect([inBody.status, inBody.body.code]).toEqual([409, "CONFLICT"]);
  const unquoted = await ask("POST", `${project}/deployments`, {}, { "if-match": revision });
  expect([unquoted.status, unquoted.body.code]).toEqual([400, "INVALID_INPUT"]);
  const active = await ask("GET", `${project}/active`);
  const withTag = await ask("POST", `${project}/deployments`, {}, { "if-match": String(active.headers.etag) });
  expect(withTag.status).toBe(201);
});

test("what is active has an ETag, and is not sent again while it is the same", async () => {
  await using service = await serviceOn();
  const { ask } = service;
  await train(ask, 0.9);
  const { headers } = await ask("GET", `${project}/active`);
  const tag = { "if-none-match": String(headers.etag) };
  expect(await ask("GET", `${project}/active`, undefined, tag)).toMatchObject({ status: 304, text: "" });
  await train(ask, 0.1);
  expect((await ask("GET", `${project}/active`, undefined, tag)).status).toBe(304);
  await ask("POST", `${project}/deployments`, { strategy: "most_recent" });
  const changed = await ask("GET", `${project}/active`, undefined, tag);
  expect(changed).toMatchObject({ status: 200, body: { version: 2 } });
  expect(changed.headers.etag).not.toBe(headers.etag);
  await ask("POST", `${project}/deployments`, { model: 1 });
  expect((await ask("GET", `${project}/active`, undefined, tag)).status).toBe(200);
});

test("a policy that changes what the answer says changes its ETag", async () => {
  await using service = await serviceOn();
  const { ask } = service;
  await ask("POST", `${project}/models`, training(0.9, { metrics: { f1: 0.9, recall: 0.3 } }));
  const { headers } = await ask("GET", `${project}/active`);
  await ask("PUT", `${project}/policy`, { metric: "recall", goal: "maximize" });
  const tag = { "if-none-match": String(headers.etag) };
  expect(await ask("GET", `${project}/active`, undefined, tag)).toMatchObject({ status: 200, body: { score: 0.3 } });
});

test("at= takes a time, a revision or a position", async () => {
  await using service = await serviceOn();
  const { ask } = service;
  await train(ask, 0.1);
  const second = await train(ask, 0.2);
  await train(ask, 0.3);
  const versionAt = async (at: string) =>
    (await ask("GET", `${project}/active?at=${encodeURIComponent(at)}`)).body.version;
  expect(await versionAt(second.revision)).toBe(2);
  expect(await versionAt(second.position)).toBe(2);
  expect(await versionAt("1")).toBe(1);
  expect(await versionAt(new Date(Date.now() + 60_000).toISOString())).toBe(3);
  const before = await ask("GET", `${project}/active?at=2001-01-01T00:00:00Z`);
  expect([before.status, before.body.code]).toEqual([404, "NO_ACTIVE_MODEL"]);
  const nonsense = await ask("GET", `${project}/active?at=last%20week`);
  expect([nonsense.status, nonsense.body.code]).toEqual([400, "INVALID_INPUT"]);
});

test("a page of long rows ends before its limit, and the next goes on", async () => {
  await using service = await serviceOn({ rate: false });
  await service.ledger.recordTraining({ ...training(0.9), project: "Long" });
  for (let number = 2; number <= 12; number++) {
    await service.ledger.deploy({ project: "Long", strategy: "most_recent", reason: `${number} `.repeat(300_000) });
  }
  const numbers: number[] = [];
  let cursor = "";
  for (let pages = 1; ; pages++) {
    const { body } = await service.ask("GET", `/v1/deployments?limit=100${cursor}`);
    expect(body.items.length).toBeLessThan(10);
    numbers.push(...body.items.map(({ number }: { number: number }) => number));
    if (body.next === undefined) {
      expect(pages).toBeGreaterThan(1);
      break;
    }
    cursor = `&cursor=${body.next}`;
  }
  expect(numbers).toEqual([12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1]);
});

test("lists come in pages, by an opaque cursor, whole and in order", async () => {
  await using service = await serviceOn();
  const { ask } = service;
  for (let n = 1; n <= 7; n++) {
    await train(ask, n / 10);
    await ask("POST", `/v1/projects/P${n}/models`, training(n / 10));
  }
  const walk = async (url: string) => {
    const pages = [];
    let next = "";
    do {
      const { status, body, headers } = await ask("GET", `${url}${url.includes("?") ? "&" : "?"}limit=3${next}`);
      expect(status).toBe(200);
      expect(headers.link !== undefined).toBe(body.next !== undefined);
      pages.push(body.items);
      next = body.next === undefined ? "" : `&cursor=${body.next}`;
    } while (next !== "");
    return pages;
  };
  const numbers = (pages: { readonly [key: string]: unknown }[][], field: string) =>
    pages.map((page) => page.map((row) => row[field]));
  expect(numbers(await walk(`${project}/models`), "version")).toEqual([[1, 2, 3], [4, 5, 6], [7]]);
  expect(numbers(await walk(`${project}/leaderboard`), "version")).toEqual([[7, 6, 5], [4, 3, 2], [1]]);
  expect(numbers(await walk(`${project}/deployments`), "number")).toEqual([[7, 6, 5], [4, 3, 2], [1]]);
  expect(numbers(await walk(`${project}/deployments?order=asc`), "number")).toEqual([[1, 2, 3], [4, 5, 6], [7]]);
  expect((await walk(`${project}/timeline`)).flat()).toHaveLength(7);
  expect((await walk("/v1/deployments")).flat()).toHaveLength(14);
  const names = ["Digits", "P1", "P2", "P3", "P4", "P5", "P6", "P7"];
  expect((await walk("/v1/projects")).flat().map(({ project }) => project)).toEqual(names);
});

test("deployments across projects come as JSON, NDJSON or CSV", async () => {
  await using service = await serviceOn();
  const { ask } = service;
  const reason = '=1+1, "they said"\nso';
  await ask("POST", "/v1/projects/A/models", training(0.9, { reason }));
  await ask("POST", "/v1/projects/B/models", training(0.8));
  const json = await ask("GET", "/v1/deployments?order=asc");
  expect(json.body.items.map(({ project }: { project: string }) => project)).toEqual(["A", "B"]);
  const ndjson = await ask("GET", "/v1/deployments?order=asc", undefined, { accept: "application/x-ndjson" });
  expect(ndjson.headers["content-type"]).toContain("application/x-ndjson");
  const rows = ndjson.text.trimEnd().split("\n");
  expect(rows.map((row) => JSON.parse(row))).toEqual(json.body.items);
  const csv = await ask("GET", "/v1/deployments?order=asc&limit=1", undefined, { accept: "text/csv" });
  expect(csv.headers["content-type"]).toContain("text/csv");
  expect(csv.text).toMatch(/^project,environment,number,recordedAt,/);
  expect(csv.text).toContain(`"'=1+1, ""they said""\nso"`);
  expect(csv.text).not.toMatch(/^B,/m);
  const missing = await ask("GET", "/v1/deployments?project=Nope", undefined, { accept: "text/csv" });
  expect([missing.status, missing.body.code]).toEqual([404, "PROJECT_NOT_FOUND"]);
});

test("a project may have any name: slashes, spaces, emoji, 200 characters", async () => {
  await using service = await serviceOn();
  const { ask } = service;
  for (const name of ["a/b/c", "models", "50 % off?#&", "Zahlen – 数字 🎉", "🎉".repeat(200), "..%2F"]) {
    const path = `/v1/projects/${encodeURIComponent(name)}`;
    expect((await ask("POST", `${path}/models`, training(0.9))).body.project).toBe(name);
    expect((await ask("GET", `${path}/active`)).body.project).toBe(name);
    expect((await ask("GET", `/v1/deployments?project=${encodeURIComponent(name)}`)).body.items).toHaveLength(1);
  }
});

test("a read shows at least what min_position names", async () => {
  await using service = await serviceOn();
  const { position } = await train(service.ask, 0.9);
  expect((await service.ask("GET", `${project}/active?min_position=${position}`)).status).toBe(200);
  expect((await service.ask("GET", `/v1/deployments?min_position=${position}`)).body.items).toHaveLength(1);
  const nonsense = await service.ask("GET", `${project}/active?min_position=soon`);
  expect([nonsense.status, nonsense.body.code]).toEqual([400, "INVALID_INPUT"]);
});

test("a deployment is explained by its number or its id", async () => {
  await using service = await serviceOn();
  const { deployment } = await train(service.ask, 0.9);
  const byNumber = await service.ask("GET", `${project}/deployments/1/explanation`);
  expect(byNumber.body.sentence).toContain("made version 1 (svm)");
  const byId = await service.ask("GET", `${project}/deployments/${deployment.deploymentId}/explanation`);
  expect(byId.body).toEqual(byNumber.body);
});

test("a request has an id, its own if it brings a fit one", async () => {
  await using service = await serviceOn();
  const own = await service.ask("GET", "/healthz", undefined, { "x-request-id": "abc-1" });
  expect(own.headers["x-request-id"]).toBe("abc-1");
  const unfit = await service.ask("GET", "/v1/nothing", undefined, { "x-request-id": "a b\u00e9" });
  expect(unfit.headers["x-request-id"]).toMatch(/^[0-9a-f-]{36}-\d+$/);
  expect(unfit.body.requestId).toBe(unfit.headers["x-request-id"]);
});

test("other sites and other names are kept out", async () => {
  await using service = await serviceOn({ hosts: ["localhost"] });
  const { ask } = service;
  const post = (headers: Record<string, string>) => ask("POST", `${project}/models`, training(0.9), headers);
  expect((await post({ origin: "http://evil.example" })).status).toBe(403);
  expect((await post({ origin: "null" })).status).toBe(403);
  expect((await post({ "sec-fetch-site": "cross-site" })).status).toBe(403);
  expect((await post({ host: "evil.example" })).status).toBe(403);
  expect((await post({ host: "localhost:8080", origin: "http://localhost:8080" })).status).toBe(201);
  expect((await ask("GET", "/healthz", undefined, { "sec-fetch-site": "none" })).status).toBe(200);
});

test("too many requests are refused, with the time to wait", async () => {
  await using service = await serviceOn({ rate: { max: 3, windowMs: 60_000 } });
  const statuses = [];
  for (let n = 0; n < 4; n++) statuses.push((await service.ask("GET", "/v1/projects")).status);
  expect(statuses).toEqual([200, 200, 200, 429]);
  const refused = await service.ask("GET", "/v1/projects");
  expect(refused.body).toMatchObject({ code: "RATE_LIMITED", status: 429 });
  expect(Number(refused.headers["retry-after"])).toBeGreaterThan(0);
  expect((await service.ask("GET", "/healthz")).status).toBe(200);
});

test("by default a client makes a thousand requests at once", async () => {
  await using service = await serviceOn();
  await train(service.ask, 0.9);
  const answers = await Promise.all(Array.from({ length: 1_000 }, () => service.ask("GET", `${project}/active`)));
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
});
