import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SignJWT } from "jose";
import { expect, test } from "vitest";
import { tokenAccess } from "../../src/access/access.ts";
import { jwtReader } from "../../src/access/jwt.ts";
import { matchesGlob, type Scope } from "../../src/access/scopes.ts";
import { Tokens } from "../../src/access/tokens.ts";
import { LocalLedger } from "../../src/api/local-ledger.ts";
import { httpApp } from "../../src/http/app.ts";
import { systemRuntime } from "../../src/runtime.ts";
import { memoryEventStore } from "../../src/store/memory.ts";
import { codeOf } from "../ledger/stores.ts";
import { asking } from "./service.ts";

const training = { task: "classification", algorithm: "svm", metrics: { f1: 0.9 } };

async function guarded(jwts?: Awaited<ReturnType<typeof jwtReader>>) {
  const store = memoryEventStore();
  const ledger = new LocalLedger(store);
  const tokens = new Tokens(store, systemRuntime());
  const access = tokenAccess({ tokens: () => tokens, jwts, isOpenUntilTokens: true });
  const app = await httpApp(ledger, { access });
  const ask = asking(app);
  async function asToken(name: string, scopes: readonly Scope[], project?: string) {
    const { secret } = await tokens.create({ name, scopes: [...scopes], ...(project !== undefined && { project }) });
    return withBearer(secret);
  }
  function withBearer(secret: string) {
    return (method: Parameters<typeof ask>[0], url: string, body?: unknown) =>
      ask(method, url, body, { authorization: `Bearer ${secret}` });
  }
  return { store, ledger, tokens, app, ask, asToken, withBearer };
}

test("until there is a token everybody may, then nobody without one", async () => {
  const { ask, asToken, app } = await guarded();
  expect((await ask("POST", "/v1/projects/Digits/models", training)).status).toBe(201);
  await asToken("ci", ["train"]);
  const refused = await ask("GET", "/v1/projects/Digits");
  expect([refused.status, refused.body.code]).toEqual([401, "UNAUTHENTICATED"]);
  expect(refused.headers["www-authenticate"]).toContain("Bearer");
  for (const path of ["/healthz", "/readyz", "/openapi.json", "/docs", "/docs/static/swagger-ui.css"]) {
    expect([path, (await ask("GET", path)).status]).toEqual([path, 200]);
  }
  for (const path of ["/v1/projects", "/v1/deployments", "/v1/verify", "/v1/events", "/v1/nothing"]) {
    expect([path, (await ask("GET", path)).status]).toEqual([path, 401]);
  }
  for (const authorization of ["Bearer nonsense", "Basic YTpi", "Bearer", "Bearer  "]) {
    expect((await ask("GET", "/v1/projects", undefined, { authorization })).status).toBe(401);
  }
  await app.close();
});

test("each scope does its own, all of them read", async () => {
  const { asToken, app } = await guarded();
  const path = "/v1/projects/Digits";
  const [read, train, deploy, admin] = [
    await asToken("r", ["read"]),
    await asToken("t", ["train"]),
    await asToken("d", ["deploy"]),
    await asToken("a", ["admin"]),
  ];
  const statuses = async (method: "POST" | "PUT", url: string, body: object) =>
    Promise.all([read, train, deploy, admin].map(async (ask) => (await ask(method, url, body)).status));
  expect(await statuses("POST", `${path}/models`, training)).toEqual([403, 201, 403, 201]);
  expect(await statuses("POST", `${path}/deployments`, {})).toEqual([403, 403, 201, 201]);
  expect(await statuses("PUT", `${path}/policy`, { minImprovement: 0.1 })).toEqual([403, 403, 403, 200]);
  for (const ask of [read, train, deploy, admin]) expect((await ask("GET", `${path}/active`)).status).toBe(200);
  const refused = await read("POST", `${path}/models`, training);
  expect(refused.body).toMatchObject({ code: "FORBIDDEN", details: { scope: "train" } });
  await app.close();
});

test("a project that its glob does not cover is not there for a token", async () => {
  const { asToken, app } = await guarded();
  const [all, some] = [await asToken("all", ["admin"]), await asToken("some", ["admin"], "Dig*")];
  for (const name of ["Digits", "Prices"]) await all("POST", `/v1/projects/${name}/models`, training);
  const missing = await some("GET", "/v1/projects/Nothing");
  for (const path of ["", "/active", "/models", "/deployments", "/policy", "/timeline"]) {
    const { status, body } = await some("GET", `/v1/projects/Prices${path}`);
    expect([path, status, body.code]).toEqual([path, 404, "PROJECT_NOT_FOUND"]);
  }
  expect(missing.body.code).toBe("PROJECT_NOT_FOUND");
  expect((await some("POST", "/v1/projects/Prices/models", training)).status).toBe(404);
  expect((await some("GET", "/v1/deployments?project=Prices")).status).toBe(404);
  expect((await some("GET", "/v1/verify?project=Prices")).status).toBe(404);
  expect((await some("GET", "/v1/events?project=Prices")).status).toBe(404);
  const names = async (ask: typeof some, url: string) =>
    (await ask("GET", url)).body.items.map(({ project }: { project: string }) => project);
  expect(await names(some, "/v1/projects")).toEqual(["Digits"]);
  expect(await names(all, "/v1/projects")).toEqual(["Digits", "Prices"]);
  expect(await names(some, "/v1/deployments")).toEqual(["Digits"]);
  expect((await some("GET", "/v1/verify")).body).toEqual({ ok: true, events: 2, streams: 1 });
  await app.close();
});

test("a token's name is the actor of its commands, and of nobody else's", async () => {
  const { asToken, app } = await guarded();
  const ci = await asToken("ci", ["train"]);
  await ci("POST", "/v1/projects/Digits/models", training);
  expect((await ci("GET", "/v1/deployments")).body.items).toMatchObject([{ actor: "ci" }]);
  const forged = await ci("POST", "/v1/projects/Digits/models", { ...training, actor: "boss" });
  expect([forged.status, forged.body.code]).toEqual([403, "FORBIDDEN"]);
  await app.close();
});

test("a revoked token is refused at once, and what it closed stays closed", async () => {
  const { asToken, ask, tokens, app } = await guarded();
  const ci = await asToken("ci", ["read"]);
  expect((await ci("GET", "/v1/projects")).status).toBe(200);
  await tokens.revoke("ci");
  expect((await ci("GET", "/v1/projects")).status).toBe(401);
  expect((await ask("GET", "/v1/projects")).status).toBe(401);
  await app.close();
});

test("a revocation ends the event streams of the token", async () => {
  const { tokens, app, asToken } = await guarded();
  const admin = await asToken("admin", ["admin"]);
  const { secret } = await tokens.create({ name: "ui", scopes: ["read"] });
  const url = await app.listen({ port: 0, host: "127.0.0.1" });
  const stream = await fetch(`${url}/v1/events`, { headers: { authorization: `Bearer ${secret}` } });
  await tokens.revoke("ui");
  await admin("POST", "/v1/projects/Digits/models", training);
  const text = await stream.text();
  expect(text).toMatch(/event: end\ndata: \{"reason":"unauthenticated"\}\n\n$/);
  expect(text).not.toContain("ModelTrained");
  await app.close();
});

test("only the hash of a secret is kept", async () => {
  const { tokens, store } = await guarded();
  const { secret, token } = await tokens.create({ name: "ci", scopes: ["read"] });
  const kept = (await store.kept("access/tokens"))?.value ?? "";
  expect(kept).toContain(token.sha256);
  expect(kept).not.toContain(secret);
  expect(secret).toMatch(/^mlt_[\w-]{43}$/);
});

test("tokens that many make and revoke at once are all made and all revoked", async () => {
  const store = memoryEventStore();
  const books = Array.from({ length: 4 }, () => new Tokens(store, systemRuntime()));
  const names = Array.from({ length: 20 }, (_, index) => `t${String(index).padStart(2, "0")}`);
  await Promise.all(names.map((name, index) => books[index % 4]?.create({ name, scopes: ["read"] })));
  expect((await books[0]?.list())?.map(({ name }) => name)).toEqual(names);
  await Promise.all(names.slice(0, 10).map((name, index) => books[index % 4]?.revoke(name)));
  expect((await books[1]?.list())?.map(({ name }) => name)).toEqual(names.slice(10));
});

test("a name is a token's once, and a wrong one is said", async () => {
  const tokens = new Tokens(memoryEventStore(), systemRuntime());
  await tokens.create({ name: "ci", scopes: ["read"] });
  expect(await codeOf(tokens.create({ name: "ci", scopes: ["read"] }))).toBe("INVALID_INPUT");
  expect(await codeOf(tokens.create({ name: "x", scopes: ["root" as "read"] }))).toBe("INVALID_INPUT");
  expect(await codeOf(tokens.create({ name: "x", scopes: [] }))).toBe("INVALID_INPUT");
  expect(await codeOf(tokens.revoke("nobody"))).toBe("TOKEN_NOT_FOUND");
});

test("globs: * is any text, ? any character, all else itself", () => {
  expect(matchesGlob("*", "a/b")).toBe(true);
  expect(matchesGlob("Digits*", "Digits")).toBe(true);
  expect(matchesGlob("Digits*", "digits")).toBe(false);
  expect(matchesGlob("team/*/prod", "team/a/b/prod")).toBe(true);
  expect(matchesGlob("a?c", "a🎉c")).toBe(true);
  expect(matchesGlob("a.c", "abc")).toBe(false);
  expect(matchesGlob("Digits", "Digits2")).toBe(false);
  expect(matchesGlob(`${"*a".repeat(60)}b`, "a".repeat(200))).toBe(false);
});

test("a JWT of the issuer lets in whom it names, with the scopes and projects it claims", async () => {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const key = join(mkdtempSync(join(tmpdir(), "model-ledger-jwt-")), "issuer.pem");
  writeFileSync(key, publicKey.export({ type: "spki", format: "pem" }));
  const jwts = await jwtReader({ issuer: "https://issuer.example", audience: "ledger", key });
  const { withBearer, ask, app } = await guarded(jwts);
  const signed = (claims: Record<string, unknown>, exp = "1h", by = privateKey) =>
    new SignJWT({ iss: "https://issuer.example", aud: "ledger", sub: "alice", ...claims })
      .setProtectedHeader({ alg: "EdDSA" })
      .setExpirationTime(exp)
      .sign(by);
  const alice = withBearer(await signed({ scope: "openid train", project: "Dig*" }));
  expect((await ask("GET", "/v1/projects")).status).toBe(401);
  expect((await alice("POST", "/v1/projects/Digits/models", training)).status).toBe(201);
  expect((await alice("POST", "/v1/projects/Digits/deployments", {})).status).toBe(403);
  expect((await alice("POST", "/v1/projects/Prices/models", training)).status).toBe(404);
  expect((await alice("GET", "/v1/deployments")).body.items).toMatchObject([{ actor: "alice" }]);
  const { privateKey: other } = generateKeyPairSync("ed25519");
  const refused = [
    await signed({ scope: "train" }, "-1h"),
    await signed({ scope: "train", aud: "somebody else" }),
    await signed({ scope: "train", iss: "https://evil.example" }),
    await signed({ scope: "train" }, "1h", other),
    await signed({ scope: "openid" }),
    `${Buffer.from('{"alg":"none"}').toString("base64url")}.e30.`,
  ];
  for (const jwt of refused) expect((await withBearer(jwt)("GET", "/v1/projects")).status).toBe(401);
  await app.close();
});
