import { once } from "node:events";
import { connect } from "node:net";
import { promisify } from "node:util";
import Database from "better-sqlite3";
import { expect, test } from "vitest";
import type { Caller } from "../../src/access/scopes.ts";
import { LocalLedger } from "../../src/api/local-ledger.ts";
import { LedgerError } from "../../src/errors.ts";
import { httpApp } from "../../src/http/app.ts";
import { page } from "../../src/http/page.ts";
import { SAFETY_OF_DATA } from "../../src/http/safety-headers.ts";
import { toLedgerError as ofSqlite } from "../../src/sqlite/errors.ts";
import { closed, toLedgerError as ofServer } from "../../src/store/eventstoredb/errors.ts";
import { memoryEventStore } from "../../src/store/memory.ts";
import { asking, listening, serviceOn } from "./service.ts";

const training = { task: "classification", algorithm: "svm", metrics: { f1: 0.9 } };

test("metrics count commands by outcome, and tell the active models and how the store is", async () => {
  await using service = await serviceOn();
  const { ask } = service;
  const name = encodeURIComponent('a "quoted" name');
  await ask("POST", `/v1/projects/${name}/models`, training);
  await ask("POST", `/v1/projects/${name}/deployments`, { strategy: "rollback" });
  const { status, headers, text } = await ask("GET", "/metrics");
  expect([status, String(headers["content-type"])]).toEqual([200, expect.stringContaining("text/plain")]);
  expect(text).toContain('model_ledger_commands_total{command="RecordTraining",outcome="accepted"} 1');
  expect(text).toContain('model_ledger_commands_total{command="Deploy",outcome="NO_PREVIOUS_DEPLOYMENT"} 1');
  expect(text).toMatch(/model_ledger_command_duration_seconds_bucket\{le="[\d.]+",command="Deploy"\} 1/);
  expect(text).toMatch(/model_ledger_active_model_info\{project="a \\"quoted\\" name",environment="production",.*\} 1/);
  expect(text).toContain("model_ledger_store_up 1");
  expect(text).toMatch(/model_ledger_http_requests_total\{method="POST",route="[^"]+\/models",status="201"\} 1/);
});

test("metrics name only the projects that a token covers", async () => {
  const ledger = new LocalLedger(memoryEventStore());
  for (const project of ["Digits", 'Pri"ces\\']) await ledger.recordTraining({ project, ...training });
  const caller: Caller = {
    name: "prometheus",
    may: () => true,
    covers: (project) => project !== "Digits",
    coversAll: false,
    holds: () => true,
  };
  const app = await httpApp(ledger, { access: { caller: async () => caller } });
  const { text } = await asking(app)("GET", "/metrics");
  expect(text).not.toContain("Digits");
  expect(text).toContain('project="Pri\\"ces\\\\"');
  await app.close();
});

test("while the store is away it is alive, not ready, and its metrics say so", async () => {
  const app = await httpApp(() => {
    throw new LedgerError("STORE_UNAVAILABLE", "it is not up yet");
  });
  const ask = asking(app);
  expect((await ask("GET", "/healthz")).status).toBe(200);
  const ready = await ask("GET", "/readyz");
  expect([ready.status, ready.body.code, ready.headers["retry-after"]]).toEqual([503, "STORE_UNAVAILABLE", "1"]);
  expect((await ask("GET", "/metrics")).text).toContain("model_ledger_store_up 0");
  expect((await ask("GET", "/v1/projects")).status).toBe(503);
  await app.close();
});

test("while it drains it is not ready, and answers what still comes", async () => {
  const draining = new AbortController();
  await using service = await serviceOn({ draining: draining.signal });
  expect((await service.ask("GET", "/readyz")).status).toBe(200);
  draining.abort();
  expect((await service.ask("GET", "/readyz")).status).toBe(503);
  expect((await service.ask("GET", "/v1/projects")).status).toBe(200);
});

test("connections on which nothing or half of a request was sent do not hold up its end", async () => {
  await using service = await serviceOn();
  const url = new URL(await service.app.listen({ port: 0, host: "127.0.0.1" }));
  const sent = ["", "GET /v1/pro", "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\nGET /v1/pro"];
  const closed = sent.map(async (text) => {
    const socket = connect(Number(url.port), url.hostname);
    await once(socket, "connect");
    socket.resume().write(text);
    await once(socket, "close");
  });
  const { server } = service.app;
  await expect.poll(() => promisify(server.getConnections.bind(server))()).toBe(sent.length);
  const began = performance.now();
  await Promise.all([...closed, service.app.close()]);
  expect(performance.now() - began).toBeLessThan(10_000);
});

test("a failure of the service's own shows nothing of itself but the request's id", async () => {
  const broken = new Proxy(new LocalLedger(memoryEventStore()), {
    get: (target, name, receiver) =>
      name === "project"
        ? () => Promise.reject(new TypeError("secret path /x/y"))
        : Reflect.get(target, name, receiver),
  });
  const app = await httpApp(broken);
  const { status, body, text } = await asking(app)("GET", "/v1/projects/Digits");
  expect([status, body.code]).toEqual([500, "INTERNAL"]);
  expect(text).not.toMatch(/secret|TypeError|at /);
  await app.close();
});

test.each([
  [
    ofSqlite(new Database.SqliteError("no room in /srv/l.db", "SQLITE_FULL"), "/srv/l.db"),
    "the ledger cannot grow: the disk is full (SQLITE_FULL: the service's log has more)",
    { sqlite: "SQLITE_FULL" },
  ],
  [
    ofServer(new Error("connect ECONNREFUSED 10.0.0.7:2113"), "esdb://10.0.0.7:2113"),
    "the EventStoreDB failed (the service's log has more)",
    {},
  ],
  [closed("esdb://10.0.0.7:2113"), "the store is closed", {}],
  [
    new LedgerError("STORE_UNAVAILABLE", '"l.db" is a database of another program', { path: "l.db" }),
    "the store is a database of another program",
    {},
  ],
  [
    new LedgerError("CORRUPT", "event 3 of /a/b: no JSON", { revision: "3" }),
    "event 3 of /a/b: no JSON",
    { revision: "3" },
  ],
])("%s: clients are told what it is, and the log where", async (error, detail, details) => {
  const { logger, lines } = listening();
  const ledger = () => {
    throw error;
  };
  const app = await httpApp(ledger, { logger });
  const { body } = await asking(app)("GET", "/v1/projects");
  expect([body.code, body.detail, body.details]).toEqual([error.code, detail, details]);
  expect(lines).toContainEqual([expect.objectContaining({ err: error, requestId: body.requestId }), "request failed"]);
  await app.close();
});

test("every answer has the headers that keep browsers safe, and none sends them to https", async () => {
  await using service = await serviceOn();
  for (const path of ["/healthz", "/v1/projects", "/v1/projects/Nowhere", "/nothing", "/openapi.json"]) {
    const { headers } = await service.ask("GET", path);
    expect(headers["content-security-policy"]).toBe("default-src 'none';frame-ancestors 'none'");
    expect(headers["x-content-type-options"]).toBe("nosniff");
    expect(headers["cross-origin-resource-policy"]).toBe("same-origin");
    expect(headers["strict-transport-security"]).toBeUndefined();
  }
});

test("a path that is not well-formed is answered, logged and counted as any other", async () => {
  const { logger, lines } = listening();
  await using service = await serviceOn({ logger });
  for (const path of ["/v1/projects/%zz/active?at=1", `/v1/projects/${"x".repeat(3_000)}`]) {
    const { status, headers, body } = await service.ask("GET", path, undefined, { "x-request-id": "mine" });
    expect([status, body.code, body.requestId]).toEqual([400, "INVALID_INPUT", "mine"]);
    expect(headers).toMatchObject({ ...SAFETY_OF_DATA, "x-request-id": "mine", "cache-control": "no-store" });
    const line = { requestId: "mine", method: "GET", path: path.split("?")[0], status: 400, code: "INVALID_INPUT" };
    expect(lines.pop()).toMatchObject([line, "answered"]);
  }
  const { text } = await service.ask("GET", "/metrics");
  expect(text).toContain('model_ledger_http_requests_total{method="GET",route="unknown",status="400"} 2');
});

test("what browsers show has the headers of helmet, and loads nothing from elsewhere", async () => {
  await using service = await serviceOn({ page: page() });
  for (const path of ["/", "/docs"]) {
    const { headers, text } = await service.ask("GET", path);
    expect(headers["content-security-policy"]).toContain("default-src 'self'");
    expect(headers["content-security-policy"]).not.toContain("upgrade-insecure-requests");
    expect(headers["strict-transport-security"]).toBeUndefined();
    expect(headers["x-frame-options"]).toBe("SAMEORIGIN");
    expect(headers["referrer-policy"]).toBe("no-referrer");
    expect(text).not.toMatch(/(src|href)="(https?:)?\/\//);
  }
});

test("of many active models only the thousand newest are series of their own, and all are counted", async () => {
  await using service = await serviceOn();
  for (let index = 0; index <= 1_000; index++) {
    await service.ledger.recordTraining({ project: `Project ${index}`, ...training });
  }
  const { text } = await service.ask("GET", "/metrics");
  expect(text.match(/^model_ledger_active_model_info\{/gm)?.length).toBe(1_000);
  expect(text).toContain("model_ledger_active_models 1001\n");
});
