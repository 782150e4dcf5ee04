import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, get, type IncomingMessage, request } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout as delay, setImmediate as turn } from "node:timers/promises";
import { exportJWK, SignJWT } from "jose";
import { afterAll, expect, onTestFinished, test } from "vitest";
import { tokenAccess } from "../../src/access/access.ts";
import { type JwtOptions, jwtReader } from "../../src/access/jwt.ts";
import { ANYBODY, type Caller } from "../../src/access/scopes.ts";
import { Tokens } from "../../src/access/tokens.ts";
import { LocalLedger } from "../../src/api/local-ledger.ts";
import { type HttpOptions, httpApp } from "../../src/http/app.ts";
import { page } from "../../src/http/page.ts";
import { systemRuntime } from "../../src/runtime.ts";
import type { EventStore } from "../../src/store/event-store.ts";
import { memoryEventStore } from "../../src/store/memory.ts";
import { sqliteEventStore } from "../../src/store/sqlite.ts";
import type { Document } from "./document.ts";
import { listening, serviceOn } from "./service.ts";

const folder = mkdtempSync(join(tmpdir(), "model-ledger-tokens-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const training = { task: "classification", algorithm: "svm", metrics: { f1: 0.9 } } as const;

/** A service in this process over `store`, asked through sockets. */
async function guarded(store: EventStore, options: HttpOptions = {}, jwt?: JwtOptions) {
  const ledger = new LocalLedger(store);
  const tokens = new Tokens(store, systemRuntime());
  const jwts = jwt && (await jwtReader(jwt));
  const access = tokenAccess({ tokens: () => tokens, jwts, isOpenUntilTokens: true });
  const app = await httpApp(ledger, { access, rate: false, ...options });
  const url = await app.listen({ port: 0, host: "127.0.0.1" });
  onTestFinished(async () => {
    app.server.closeAllConnections();
    await app.close();
    await ledger.close();
  });
  const ask = (path: string, bearer?: string, init: RequestInit = {}) =>
    fetch(`${url}${path}`, { ...init, headers: bearer === undefined ? {} : { authorization: `Bearer ${bearer}` } });
  const status = async (path: string, bearer?: string) => {
    const answer = await ask(path, bearer);
    await answer.body?.cancel();
    return answer.status;
  };
  return { ledger, tokens, app, url, ask, status };
}

test("once there are tokens, nothing but health, the document and the page answers without one", async () => {
  const { app, tokens, ask, status } = await guarded(memoryEventStore(), { page: page() });
  const { secret } = await tokens.create({ name: "ci", scopes: ["read"] });
  const { paths } = app.swagger() as object as Document;
  const open: string[] = [];
  for (const [template, methods] of Object.entries(paths)) {
    const path = template.replaceAll(/\{(\w+)\}/g, "1");
    for (const method of [...Object.keys(methods), "patch"]) {
      const answer = await ask(path, undefined, { method: method.toUpperCase() });
      await answer.body?.cancel();
      if (answer.status !== 401) open.push(`${method} ${path} ${answer.status}`);
    }
  }
  expect(open).toEqual([
    "get /healthz 200",
    "patch /healthz 405",
    "get /readyz 200",
    "patch /readyz 405",
    "patch /metrics 405",
  ]);
  for (const path of ["/openapi.json", "/docs", "/docs/json"]) expect([path, await status(path)]).toEqual([path, 200]);
  expect(await status("/metrics", secret)).toBe(200);
  for (const wrong of [`${secret}x`, secret.slice(1), secret.toUpperCase(), "mlt_", "undefined"]) {
    expect([wrong, await status("/v1/projects", wrong)]).toEqual([wrong, 401]);
  }
  expect(await status(`/v1/projects?token=${secret}`)).toBe(401);
});

test("a stream shows only the projects that its token covers", async () => {
  const { ledger, tokens, ask } = await guarded(memoryEventStore());
  const { secret } = await tokens.create({ name: "digits", scopes: ["read"], project: "Digits*" });
  for (const project of ["Prices", "Digits", "Secret", "Digits 2"])
    await ledger.recordTraining({ project, ...training });
  const answer = await ask("/v1/events?from=start", secret);
  let text = "";
  for await (const chunk of answer.body ?? []) {
    text += Buffer.from(chunk).toString();
    if (text.includes("Digits 2") && text.match(/event: ModelDeployed/g)?.length === 2) break;
  }
  expect(text.match(/^event: .*/gm)).toHaveLength(4);
  expect(text).not.toMatch(/Prices|Secret/);
});

test("what another process revokes is refused at once, and its silent streams end", async () => {
  const path = join(folder, "revoked.db");
  const store = await sqliteEventStore(path, systemRuntime());
  const elsewhere = await sqliteEventStore(path, systemRuntime());
  onTestFinished(() => elsewhere.close());
  const { tokens, ask, status } = await guarded(store, { heartbeatMs: 20 });
  await tokens.create({ name: "stays", scopes: ["read"] });
  const { secret } = await tokens.create({ name: "goes", scopes: ["read"] });
  const stream = await ask("/v1/events", secret);
  expect(await status("/v1/projects", secret)).toBe(200);
  await new Tokens(elsewhere, systemRuntime()).revoke("goes");
  expect(await status("/v1/projects", secret)).toBe(401);
  expect(await stream.text()).toMatch(/event: end\ndata: \{"reason":"unauthenticated"\}\n\n$/);
});

test("a command whose body comes after its token was revoked is refused", async () => {
  const { ledger, tokens, url } = await guarded(memoryEventStore());
  await ledger.recordTraining({ project: "Digits", ...training });
  const { secret } = await tokens.create({ name: "ci", scopes: ["deploy"] });
  const headers = { authorization: `Bearer ${secret}`, "content-type": "application/json", expect: "100-continue" };
  const command = request(`${url}/v1/projects/Digits/deployments`, { method: "POST", headers });
  command.flushHeaders();
  await once(command, "continue");
  for (let turns = 0; turns < 20; turns++) await turn(); // until its head was let in
  await tokens.revoke("ci");
  command.end("{}");
  const [answer] = (await once(command, "response")) as [IncomingMessage];
  expect([answer.statusCode, JSON.parse(await text(answer)).code]).toEqual([401, "UNAUTHENTICATED"]);
  expect(await ledger.activeModel("Digits")).toMatchObject({ number: 1 });
});

test("a download breaks off once its token lets nobody in", async () => {
  let looks = 0;
  const caller: Caller = { ...ANYBODY, holds: () => ++looks < 3 };
  await using service = await serviceOn({ access: { caller: () => caller } });
  const { ledger, app } = service;
  await ledger.recordTraining({ project: "Digits", ...training });
  for (let number = 2; number <= 200; number++) await ledger.deploy({ project: "Digits" });
  const url = await app.listen({ port: 0, host: "127.0.0.1" });
  const [answer] = (await once(
    get(`${url}/v1/deployments`, { headers: { accept: "application/x-ndjson" } }),
    "response",
  )) as [IncomingMessage];
  expect(answer.statusCode).toBe(200);
  await expect(text(answer)).rejects.toMatchObject({ code: "ECONNRESET" });
  expect(looks).toBe(3);
});

test("a request has a minute to come whole", async () => {
  const { app } = await guarded(memoryEventStore());
  expect(app.server.requestTimeout).toBe(60_000);
});

test("no token, right or wrong, is in the log, however much it says", async () => {
  const { logger, lines } = listening();
  const { tokens, status, ask } = await guarded(memoryEventStore(), { logger });
  const { secret } = await tokens.create({ name: "ci", scopes: ["read"] });
  await status("/v1/projects", secret);
  await status("/v1/projects", "mlt_wrong");
  await (await ask("/v1/projects/P/models", secret, { method: "POST" })).text();
  expect(lines.length).toBeGreaterThan(2);
  expect(JSON.stringify(lines)).not.toMatch(new RegExp(`${secret}|mlt_wrong`));
});

const keyPair = () => generateKeyPairSync("ec", { namedCurve: "P-256" });

function signed(by: KeyObject, claims: Readonly<Record<string, unknown>>, kid = "1"): Promise<string> {
  const all = { sub: "alice", scope: "read", aud: "ledger", exp: Math.floor(Date.now() / 1_000) + 60, ...claims };
  return new SignJWT(all).setProtectedHeader({ alg: "ES256", kid }).sign(by);
}

/** An issuer as OpenID Connect has it; 500 where `keys` throws. */
async function issuer(keys: () => Promise<readonly object[]>) {
  const server = createServer(async ({ url }, response) => {
    const { port } = server.address() as AddressInfo;
    const here = `http://127.0.0.1:${port}`;
    try {
      const body = url?.endsWith("openid-configuration") ? { jwks_uri: `${here}/keys` } : { keys: await keys() };
      response.setHeader("content-type", "application/json").end(JSON.stringify(body));
    } catch {
      response.writeHead(500).end();
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const jwkOf = async (key: KeyObject, kid = "1") => ({ ...(await exportJWK(key)), kid, alg: "ES256", use: "sig" });

test("an issuer by its URL says its own keys; what it did not sign, or not for us, is refused", async () => {
  const [own, other] = [keyPair(), keyPair()];
  const iss = await issuer(async () => [await jwkOf(own.publicKey)]);
  const { status } = await guarded(memoryEventStore(), {}, { issuer: iss, audience: "ledger" });
  expect(await status("/v1/projects")).toBe(401);
  expect(await status("/v1/projects", await signed(own.privateKey, { iss }))).toBe(200);
  expect(await status("/v1/projects", await signed(own.privateKey, { iss, aud: ["x", "ledger"] }))).toBe(200);
  const past = Math.floor(Date.now() / 1_000) - 60;
  const none = [{ alg: "none" }, { iss, sub: "alice", aud: "ledger", scope: "admin", exp: past + 999 }]
    .map((part) => Buffer.from(JSON.stringify(part)).toString("base64url"))
    .join(".");
  const byPublicKey = await new SignJWT({ iss, sub: "alice", aud: "ledger", scope: "admin", exp: past + 999 })
    .setProtectedHeader({ alg: "HS256" })
    .sign(own.publicKey.export({ type: "spki", format: "der" }));
  const refused = {
    "another key": await signed(other.privateKey, { iss }),
    "another issuer": await signed(own.privateKey, { iss: "https://evil.example" }),
    "no issuer": await signed(own.privateKey, {}),
    "another audience": await signed(own.privateKey, { iss, aud: "others" }),
    "no audience": await signed(own.privateKey, { iss, aud: undefined }),
    expired: await signed(own.privateKey, { iss, exp: past }),
    "no expiry": await signed(own.privateKey, { iss, exp: undefined }),
    "not yet": await signed(own.privateKey, { iss, nbf: past + 600 }),
    nobody: await signed(own.privateKey, { iss, sub: undefined }),
    "no scope": await signed(own.privateKey, { iss, scope: "openid email" }),
    "alg none": `${none}.`,
    "HS256 by the public key": byPublicKey,
  };
  for (const [what, jwt] of Object.entries(refused)) {
    expect([what, await status("/v1/projects", jwt)]).toEqual([what, 401]);
  }
});

test("an issuer that is away is a passing failure, not a refusal", async () => {
  const { status } = await guarded(memoryEventStore(), {}, { issuer: "http://127.0.0.1:9" });
  expect(await status("/v1/projects", await signed(keyPair().privateKey, { iss: "http://127.0.0.1:9" }))).toBe(503);
  expect(await status("/v1/projects", "mlt_none")).toBe(401);
});

test("a JWT is not refused while the keys cannot be had, from a document or from a place of their own", async () => {
  const own = keyPair();
  let isAway = true;
  const iss = await issuer(async () => {
    if (isAway) throw new Error("away");
    return [await jwkOf(own.publicKey)];
  });
  const jwt = await signed(own.privateKey, { iss });
  const unknown = await signed(keyPair().privateKey, { iss }, "2");
  for (const options of [{ issuer: iss }, { key: `${iss}/keys` }]) {
    isAway = true;
    const { status } = await guarded(memoryEventStore(), {}, options);
    expect([await status("/v1/projects", jwt), await status("/v1/projects", jwt)]).toEqual([503, 503]);
    isAway = false;
    expect([await status("/v1/projects", jwt), await status("/v1/projects", unknown)]).toEqual([200, 401]);
  }
  const { status } = await guarded(memoryEventStore(), {}, { key: "http://127.0.0.1:9/keys" });
  expect(await status("/v1/projects", jwt)).toBe(503);
});

test("an issuer that never says where its keys are is waited for a few seconds", async () => {
  const silent = createServer(() => undefined).listen(0, "127.0.0.1");
  await once(silent, "listening");
  onTestFinished(() => silent.closeAllConnections());
  onTestFinished(() => void silent.close());
  const iss = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`;
  const { status } = await guarded(memoryEventStore(), {}, { issuer: iss });
  const jwt = await signed(keyPair().privateKey, { iss });
  expect(await Promise.race([status("/v1/projects", jwt), delay(15_000, "nothing yet")])).toBe(503);
});

test("a key file may be PEM, a JWK or a JWKS", async () => {
  const { publicKey, privateKey } = keyPair();
  const files = {
    "key.pem": publicKey.export({ type: "spki", format: "pem" }).toString(),
    "key.jwk": JSON.stringify(await jwkOf(publicKey)),
    "key.jwks": JSON.stringify({ keys: [await jwkOf(publicKey)] }),
  };
  for (const [name, content] of Object.entries(files)) {
    const key = join(folder, name);
    writeFileSync(key, content);
    const { status, ask } = await guarded(memoryEventStore(), {}, { key });
    expect([name, await status("/v1/projects", await signed(privateKey, {}))]).toEqual([name, 200]);
    const me = await ask("/v1/token", await signed(privateKey, { scope: "openid model-ledger:train", project: "A*" }));
    expect(await me.json()).toEqual({ name: "alice", scopes: ["read", "train"] });
  }
  writeFileSync(join(folder, "none.pem"), "no key");
  await expect(jwtReader({ key: join(folder, "none.pem") })).rejects.toMatchObject({ code: "INVALID_INPUT" });
  await expect(jwtReader({ key: join(folder, "nowhere.pem") })).rejects.toMatchObject({ code: "INVALID_INPUT" });
});
