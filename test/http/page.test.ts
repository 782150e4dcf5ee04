import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import type { Access } from "../../src/access/access.ts";
import type { Scope } from "../../src/access/scopes.ts";
import { LedgerError } from "../../src/errors.ts";
import { page } from "../../src/http/page.ts";
import { type Ask, serviceOn } from "./service.ts";

/** Files as the build leaves them; what is in them is tried in a browser (test/web). */
const folder = mkdtempSync(join(tmpdir(), "model-ledger-page-"));
mkdirSync(join(folder, "assets"));
writeFileSync(join(folder, "index.html"), "<!doctype html><title>model-ledger</title>");
writeFileSync(join(folder, "favicon.svg"), "<svg/>");
writeFileSync(join(folder, "assets/index-4f2a.js"), "export {};");
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Lets in who says "Bearer ci", as a token that may read and train. */
const onlyCi: Access = {
  async caller(authorization) {
    if (authorization !== "Bearer ci") throw new LedgerError("UNAUTHENTICATED", "a token, please");
    const scopes: readonly Scope[] = ["read", "train"];
    return {
      name: "ci",
      may: (scope) => scopes.includes(scope),
      covers: () => true,
      coversAll: true,
      holds: () => true,
    };
  },
};

/** On a machine with too much to do the service tells its first callers to come again. */
async function ready({ ask }: { readonly ask: Ask }): Promise<void> {
  await expect.poll(async () => (await ask("GET", "/healthz")).status, { timeout: 60_000 }).toBe(200);
}

test("the page and its files answer everybody, also where the rest asks for a token", async () => {
  await using service = await serviceOn({ page: page(folder), access: onlyCi });
  await ready(service);
  expect((await service.ask("GET", "/v1/projects")).status).toBe(401);
  const index = await service.ask("GET", "/");
  expect(index).toMatchObject({ status: 200, headers: { "content-type": "text/html; charset=utf-8" } });
  expect(index.headers["cache-control"]).toBe("no-cache");
  const script = await service.ask("GET", "/assets/index-4f2a.js");
  expect(script.headers["content-type"]).toMatch(/\/javascript/);
  expect(script.headers["cache-control"]).toBe("public, max-age=31536000, immutable");
  for (const icon of ["/favicon.svg", "/favicon.ico"]) {
    expect((await service.ask("GET", icon)).headers["content-type"]).toBe("image/svg+xml");
  }
});

test("nothing but what the service itself serves may run in the page", async () => {
  await using service = await serviceOn({ page: page(folder) });
  await ready(service);
  const policy = String((await service.ask("GET", "/")).headers["content-security-policy"]);
  expect(policy).toContain("default-src 'self'");
  expect(policy).not.toContain("script-src");
  expect(policy).toContain("frame-ancestors 'none'");
});

test("no file outside of the page's folder is served, and what is not there is a problem", async () => {
  await using service = await serviceOn({ page: page(folder) });
  await ready(service);
  for (const path of ["/../package.json", "/%2e%2e/package.json", "/assets/", "/assets", "/nothing.js"]) {
    const { status, headers } = await service.ask("GET", path);
    expect({ path, status }).toEqual({ path, status: 404 });
    expect(headers["content-type"]).toMatch(/^application\/problem\+json/);
  }
});

test("/v1/token says whom the service takes the asker for", async () => {
  await using open = await serviceOn();
  await ready(open);
  expect((await open.ask("GET", "/v1/token")).body).toEqual({
    name: null,
    scopes: ["read", "train", "deploy", "admin"],
  });
  await using service = await serviceOn({ access: onlyCi });
  await ready(service);
  expect((await service.ask("GET", "/v1/token")).status).toBe(401);
  const { body } = await service.ask("GET", "/v1/token", undefined, { authorization: "Bearer ci" });
  expect(body).toEqual({ name: "ci", scopes: ["read", "train"] });
});
