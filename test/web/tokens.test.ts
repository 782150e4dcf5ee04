import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { LedgerError } from "../../src/errors.ts";
import type { HttpOptions } from "../../src/http/app.ts";
import { eventually, inChromium, projectAt, says, site, train } from "./browser.ts";

const DIGITS = { at: projectAt("Digits") };

/** What the service asks about tokens, answered from a list: how they are kept is tried elsewhere. */
function tokens(
  ...granted: readonly { readonly name: string; readonly scopes: readonly string[]; readonly only?: string }[]
) {
  const revoked = new Set<string>();
  const access: NonNullable<HttpOptions["access"]> = {
    async caller(authorization) {
      const token = granted.find(({ name }) => authorization === `Bearer secret-of-${name}`);
      if (token === undefined || revoked.has(token.name)) {
        throw new LedgerError("UNAUTHENTICATED", "there is no such token; it may have been revoked");
      }
      const { name, scopes, only } = token;
      const may = (scope: string) => scope === "read" || scopes.includes(scope) || scopes.includes("admin");
      const covers = (project: string) => only === undefined || project === only;
      const caller = { name, may, covers, coversAll: only === undefined, holds: () => !revoked.has(name) };
      return caller;
    },
  };
  return { access, revoke: (name: string) => revoked.add(name) };
}

async function give(page: Page, secret: string): Promise<void> {
  await page.getByLabel("Token", { exact: true }).fill(secret);
  await page.getByRole("button", { name: "Use this token" }).click();
}

inChromium("tokens in the page", () => {
  test("where tokens exist the page asks for one, keeps it for the tab, and forgets it", async () => {
    await using digits = await site({ access: tokens({ name: "ada", scopes: ["admin"] }).access });
    await train(digits, 2);
    const page = await digits.visit(DIGITS);
    await page.getByRole("heading", { name: "A token, please" }).waitFor();
    expect(await page.getByRole("heading", { name: "Digits" }).count()).toBe(0);
    await give(page, "nonsense");
    await page.getByRole("alert").filter({ hasText: "there is no such token" }).waitFor();
    await give(page, "secret-of-ada");
    await says(page, /Now, production is served by v2/);

    await page.reload();
    await says(page, /Now, production is served by v2/);
    expect(await page.evaluate<string>("JSON.stringify([{ ...localStorage }, document.cookie])")).toBe('[{},""]');
    const other = await page.context().newPage();
    await other.goto(digits.url);
    await other.getByRole("heading", { name: "A token, please" }).waitFor();

    await page.getByRole("button", { name: "ada" }).click();
    await says(page, "You are “ada”, with the scopes read, train, deploy, and admin.");
    await page.getByRole("button", { name: "Forget the token" }).click();
    await page.getByRole("heading", { name: "A token, please" }).waitFor();
  });

  test("what nobody sees of a pasted token is left out, and what can be none is refused where it is given", async () => {
    await using digits = await site({ access: tokens({ name: "ada", scopes: ["admin"] }).access });
    await train(digits, 2);
    const page = await digits.visit(DIGITS);
    await page.getByRole("heading", { name: "A token, please" }).waitFor();
    for (const text of ["secret-of-ada→", "secret of ada", "clé"]) {
      await give(page, text);
      await page.getByRole("alert").filter({ hasText: "This is no token" }).waitFor();
      expect(await page.getByLabel("Token", { exact: true }).getAttribute("aria-invalid")).toBe("true");
      await page.getByLabel("Token", { exact: true }).fill("");
      await page.getByRole("alert").filter({ hasText: "This is no token" }).waitFor({ state: "detached" });
    }
    // A tab that kept such a token has none.
    await page.evaluate('sessionStorage.setItem("model-ledger token", "secret-of-ada→")');
    await page.reload();
    await give(page, "\ufeffsecret-\u200bof-ada\u2060 ");
    await says(page, /Now, production is served by v2/);
    await page.reload();
    await says(page, /Now, production is served by v2/);
  });

  test("what a token may not do is not offered, and the page says why", async () => {
    await using digits = await site({ access: tokens({ name: "viewer", scopes: ["read"], only: "Digits" }).access });
    await train(digits, 2);
    await train(digits, 1, "Prices");
    const page = await digits.visit();
    await give(page, "secret-of-viewer");
    await says(page, "1 project");
    await page.getByRole("link", { name: "Digits" }).click();
    await says(
      page,
      "Deploying is not open to you. The token “viewer” has the scope read only; this needs the scope deploy.",
    );
    for (const name of ["Deploy…", "Roll back…", "Promote…", "Freeze…"]) {
      const button = page.getByRole("button", { name, exact: true });
      expect(await button.isDisabled()).toBe(true);
      const reason = await button.getAttribute("aria-describedby");
      expect(await page.locator(`#${reason}`).textContent()).toContain("is not open to you");
    }
    await page.getByRole("row", { name: /^1 v2/ }).waitFor();
    expect(await page.getByRole("button", { name: /^(Deploy version|Retire|Go back here)/ }).count()).toBe(0);
    await page
      .getByRole("button", { name: /^Explain/ })
      .first()
      .click();
    await says(page, /made version 2/);
    await page.goto(digits.url + projectAt("Prices"));
    await page.getByRole("alert").filter({ hasText: 'there is no project "Prices"' }).waitFor();
  });

  test("a token that may deploy does so in its own name, and may not freeze", async () => {
    await using digits = await site({ access: tokens({ name: "grace", scopes: ["deploy"] }).access });
    await train(digits, 2);
    const page = await digits.visit(DIGITS);
    await give(page, "secret-of-grace");
    await says(page, "Freezing is not open to you.");
    await page.getByRole("button", { name: "Roll back…" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Preview" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Roll back", exact: true }).click();
    await says(page, "Version 1 (linear) is active in production now, as deployment 3.");
    expect(await digits.ledger.activeModel("Digits")).toMatchObject({ version: 1, actor: "grace" });
  });

  test("a token that is revoked lets nobody look on", async () => {
    const { access, revoke } = tokens({ name: "ada", scopes: ["read"] });
    await using digits = await site({ access });
    await train(digits, 1);
    const page = await digits.visit(DIGITS);
    await give(page, "secret-of-ada");
    await says(page, /Now, production is served by v1/);
    revoke("ada");
    await train(digits, 1); // an event, before which the service looks whether the token still holds
    await page.getByRole("alert").filter({ hasText: "it may have been revoked" }).waitFor();
    await eventually(() => page.getByRole("heading", { name: "Digits" }).count(), 0);
  });
});
