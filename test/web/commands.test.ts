import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { inChromium, projectAt, says, site, train } from "./browser.ts";

const open = (page: Page, button: string) => page.getByRole("button", { name: button, exact: true }).click();
const dialog = (page: Page) => page.getByRole("dialog");
const press = (page: Page, button: string) => dialog(page).getByRole("button", { name: button, exact: true }).click();
const DIGITS = { at: projectAt("Digits") };

inChromium("commands in the page", () => {
  test("what is deployed was previewed, with its reason, and another browser sees it at once", async () => {
    await using digits = await site();
    await train(digits, 3);
    const [ada, grace, list] = [await digits.visit(DIGITS), await digits.visit(DIGITS), await digits.visit()];
    await says(grace, "Now, production is served by");
    await list.getByText("v3").waitFor();

    await open(ada, "Deploy…");
    expect(await dialog(ada).getByRole("button", { name: "Deploy", exact: true }).isDisabled()).toBe(true);
    await dialog(ada).getByLabel("Which model").selectOption("specific");
    await dialog(ada).getByLabel("Version or id").fill("1");
    await dialog(ada).getByLabel("Reason (optional)").fill("a customer compares the two");
    await press(ada, "Preview");
    await says(ada, "v3 (svm) → v1 (linear) in production, as deployment 4: asked for by name");
    expect(await digits.ledger.activeModel("Digits")).toMatchObject({ version: 3 });
    await press(ada, "Deploy");
    await says(ada, "Version 1 (linear) is active in production now, as deployment 4.");

    await grace.getByRole("listitem").filter({ hasText: "a customer compares the two" }).waitFor();
    await grace.getByRole("row", { name: /^4 production v1 linear .* a customer compares the two/ }).waitFor();
    await list.getByText("v1").waitFor();
    await grace.getByText("Digits: version 1 (linear) is active in production now, by").waitFor({ state: "attached" });
    expect(await digits.ledger.activeModel("Digits")).toMatchObject({ version: 1, number: 4 });
  });

  test("and the other one goes back, which the first sees", async () => {
    await using digits = await site();
    await train(digits, 3);
    const [ada, grace] = [await digits.visit(DIGITS), await digits.visit(DIGITS)];
    await says(ada, "Now, production is served by");
    await open(grace, "Roll back…");
    await press(grace, "Preview");
    await says(grace, /v3 \(svm\) → v2 \(forest\) in production, as deployment 4: back to an earlier deployment/);
    await press(grace, "Roll back");
    await ada.getByRole("row", { name: /^4 production v2 forest .* rollback/ }).waitFor();
    await says(ada, /Now, production is served by v2/);
  });

  test("a row of history is gone back to, a project is promoted to a new environment", async () => {
    await using digits = await site();
    await train(digits, 3);
    const page = await digits.visit(DIGITS);
    await page.getByRole("button", { name: "Go back here (production, deployment 1)" }).click();
    expect(await dialog(page).getByLabel("Deployment number").inputValue()).toBe("1");
    await press(page, "Preview");
    await press(page, "Roll back");
    await says(page, "Version 1 (linear) is active in production now, as deployment 4.");

    await open(page, "Promote…");
    await dialog(page).getByLabel("Into: its name").fill("staging");
    await press(page, "Preview");
    await says(page, "nothing → v1 (linear) in staging, as deployment 1: promoted from production");
    await press(page, "Promote");
    await page.getByRole("heading", { name: "staging" }).waitFor();
    expect(await digits.ledger.activeModel("Digits", { environment: "staging" })).toMatchObject({ version: 1 });
  });

  test("a refusal is shown as the ledger says it, and writes nothing", async () => {
    await using digits = await site();
    await train(digits, 1);
    const page = await digits.visit(DIGITS);
    await open(page, "Roll back…");
    await press(page, "Preview");
    const refusal = dialog(page).getByRole("alert");
    await refusal.waitFor();
    const sentence = await digits.ledger.rollback({ project: "Digits" }).catch((error: Error) => error.message);
    expect(await refusal.textContent()).toBe(sentence);
    expect(await dialog(page).getByRole("button", { name: "Roll back", exact: true }).isDisabled()).toBe(true);
  });

  test("what happened between preview and deployment refuses it, and a new preview tells", async () => {
    await using digits = await site();
    await train(digits, 3);
    const page = await digits.visit(DIGITS);
    await open(page, "Roll back…");
    await press(page, "Preview");
    await says(page, /v3 \(svm\) → v2/);
    await digits.ledger.deploy({ project: "Digits", model: 1 });
    await press(page, "Roll back");
    await dialog(page).getByRole("alert").waitFor();
    expect(await digits.ledger.activeModel("Digits")).toMatchObject({ version: 1 });
    await press(page, "Preview");
    await says(page, "v1 (linear) → v3 (svm) in production, as deployment 5");
  });

  test("a model is retired and reinstated", async () => {
    await using digits = await site();
    await train(digits, 3);
    const page = await digits.visit(DIGITS);
    await page.getByRole("button", { name: "Retire version 3" }).click();
    await press(page, "Preview");
    await says(page, /It stays active in production until the next deployment there\. Nothing is written yet/);
    await press(page, "Retire");
    await says(page, "Version 3 is retired. It stays active in production until the next deployment there.");
    await page.getByRole("row", { name: /v3 svm retired/ }).waitFor();
    await page.getByRole("region", { name: "Leaderboard" }).getByRole("row", { name: /^1 v2/ }).waitFor();
    await page.getByRole("button", { name: "Reinstate version 3" }).click();
    await press(page, "Preview");
    await press(page, "Reinstate");
    await page.getByRole("button", { name: "Retire version 3" }).waitFor();
    expect((await digits.ledger.project("Digits")).retired).toBe(0);
  });

  test("a project is frozen and unfrozen; a reason that the policy requires is asked for", async () => {
    await using digits = await site();
    await train(digits, 2);
    await digits.ledger.setPolicy({ project: "Digits", policy: { requireReason: true } });
    const page = await digits.visit(DIGITS);
    await open(page, "Freeze…");
    await dialog(page).getByLabel("Why it is frozen").fill("audit week");
    await press(page, "Preview");
    // The browser itself asks for what is required: nothing was sent.
    expect(
      await dialog(page)
        .getByLabel("Reason", { exact: true })
        .evaluate((field) => field.matches(":invalid")),
    ).toBe(true);
    await dialog(page).getByLabel("Reason", { exact: true }).fill("asked for by the auditors");
    await press(page, "Preview");
    await says(page, "no deployment but rollbacks and forced ones. Nothing is written yet.");
    await press(page, "Freeze");
    await says(page, "audit week. Rollbacks still pass.");

    await open(page, "Deploy…");
    await dialog(page).getByLabel("Reason", { exact: true }).fill("now");
    await press(page, "Preview");
    expect(await dialog(page).getByRole("alert").textContent()).toContain("audit week");
    await press(page, "Close");

    await open(page, "Unfreeze…");
    await dialog(page).getByLabel("Reason", { exact: true }).fill("it is over");
    await press(page, "Preview");
    await press(page, "Unfreeze");
    await page.getByRole("button", { name: "Freeze…", exact: true }).waitFor();
    expect((await digits.ledger.project("Digits")).policy.frozen).toBeNull();

    const over = { reason: "long ago", until: "2020-01-01T00:00:00.000Z" };
    await digits.ledger.setPolicy({ project: "Digits", policy: { frozen: over }, reason: "to see it end" });
    await page.reload();
    await page.getByRole("button", { name: "Freeze…", exact: true }).waitFor();
    expect(await page.getByText("long ago").count()).toBe(0);
  });
});
