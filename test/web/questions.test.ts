import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { eventually, inChromium, projectAt, says, site, train } from "./browser.ts";

const DIGITS = { at: projectAt("Digits") };
const history = (page: Page) => page.getByRole("region", { name: "History" }).first();
const rows = (page: Page) => history(page).locator("tbody tr");

/** Waits until the history has exactly these numbers, newest first. */
async function hasNumbers(page: Page, numbers: readonly number[]): Promise<void> {
  const wanted = numbers.join(" ");
  const shown = () => rows(page).evaluateAll((all) => all.map((row) => row.firstElementChild?.textContent).join(" "));
  await eventually(shown, wanted);
}

/** Tells the page that its tab is out of sight, or in sight again, and waits until it has let go of its events. */
async function hide(page: Page, isHidden: boolean): Promise<void> {
  const over = isHidden
    ? page.waitForEvent("requestfailed", (request) => request.url().endsWith("/v1/events"))
    : undefined;
  await page.evaluate(`
    Object.defineProperty(document, "hidden", { configurable: true, value: ${isHidden} });
    document.dispatchEvent(new Event("visibilitychange"));
  `);
  await over;
}

inChromium("questions to the page", () => {
  test("the projects show what is active in each environment, and are found by name", async () => {
    await using many = await site();
    await train(many, 2);
    await train(many, 1, "Prices of houses");
    await many.ledger.promote({ project: "Digits", from: "production", to: "staging", actor: "grace" });
    const page = await many.visit();
    await says(page, "2 projects");
    const digits = page.getByRole("listitem").filter({ has: page.getByRole("heading", { name: "Digits" }) });
    expect(await digits.getByRole("listitem").filter({ hasText: "production" }).textContent()).toContain("v2");
    expect(await digits.getByRole("listitem").filter({ hasText: "staging" }).textContent()).toContain("grace");
    await page.getByLabel("Find a project").fill("house");
    await page.getByRole("heading", { name: "Digits" }).waitFor({ state: "detached" });
    await page.getByRole("link", { name: "Prices of houses" }).click();
    await page.getByRole("heading", { name: "Prices of houses", level: 1 }).waitFor();
    expect(await page.title()).toBe("Prices of houses · model-ledger");
    await page.goBack();
    await says(page, "2 projects");
  });

  test("a new project and a new training appear without a question", async () => {
    await using empty = await site();
    const list = await empty.visit();
    await says(list, "No project yet.");
    await train(empty, 1);
    await list.getByRole("heading", { name: "Digits" }).waitFor();
    const page = await empty.visit(DIGITS);
    await says(page, "1 model · 1 deployment");
    await train(empty, 1);
    await says(page, "2 models · 1 deployment");
    await page.getByRole("row", { name: /^v2 linear 0.51 kept: not better/ }).waitFor();
  });

  test("a tab that was hidden before its first event shows all that happened meanwhile", async () => {
    await using digits = await site();
    await train(digits, 3);
    const page = await digits.visit(DIGITS);
    await says(page, /Now, production is served by v3/);
    await page.getByRole("row", { name: /^1 v3/ }).waitFor();
    await hide(page, true);
    await digits.ledger.deploy({ project: "Digits", model: 1, reason: "while nobody looked" });
    await digits.ledger.recordTraining({
      project: "Digits",
      algorithm: "knn",
      metrics: { f1: 0.9 },
      automaticDeploy: false,
    });
    await hide(page, false);
    await says(page, /Now, production is served by v1 .*while nobody looked/);
    await hasNumbers(page, [4, 3, 2, 1]);
    await page.getByRole("row", { name: /^1 v4 knn 0.9/ }).waitFor();
  });

  test("the history is filtered by the service, page by page", async () => {
    await using digits = await site();
    await train(digits, 12);
    await digits.ledger.rollback({ project: "Digits", actor: "grace" });
    await digits.ledger.deploy({ project: "Digits", environment: "staging", model: 4, actor: "ada" });
    for (let n = 0; n < 5; n += 1) await digits.ledger.rollback({ project: "Digits", actor: "ada" });
    const page = await digits.visit(DIGITS);
    const filters = page.getByRole("form", { name: "Filter the history" });
    await eventually(() => rows(page).count(), 15);
    const pages = page.getByRole("navigation", { name: "Pages of history" });
    await pages.getByRole("button", { name: "Next" }).click();
    await hasNumbers(page, [4, 3, 2, 1]);
    await pages.getByRole("button", { name: "Previous" }).click();

    await filters.getByLabel("Environment").selectOption("staging");
    await hasNumbers(page, [1]);
    await filters.getByRole("button", { name: "Clear" }).click();
    await filters.getByLabel("Strategy").selectOption("rollback");
    await hasNumbers(page, [18, 17, 16, 15, 14, 13]);
    await filters.getByLabel("By").fill("grace");
    await hasNumbers(page, [13]);
    await filters.getByRole("button", { name: "Clear" }).click();
    await filters.getByLabel("Algorithm").fill("linear");
    await filters.getByLabel("Version").fill("7");
    await hasNumbers(page, [7]);
    await filters.getByLabel("Version").fill("99");
    await page.getByRole("alert").filter({ hasText: "99" }).waitFor();
    await filters.getByRole("button", { name: "Clear" }).click();
    await filters.getByLabel("Before").fill("2020-01-01T00:00");
    await says(page, "No deployment is like that.");
  });

  test("any deployment is explained as the ledger explains it", async () => {
    await using digits = await site();
    await train(digits, 3);
    await digits.ledger.deploy({ project: "Digits", strategy: "best_score", reason: "the weekly check", actor: "ada" });
    const page = await digits.visit(DIGITS);
    await page.getByRole("button", { name: "Explain deployment 4 in production" }).last().click();
    const { sentence } = await digits.ledger.explain({ project: "Digits", number: 4 });
    const dialog = page.getByRole("dialog", { name: "Deployment 4 in production" });
    await dialog.getByText(sentence, { exact: true }).waitFor();
    await dialog.getByText("v2 forest: its f1 of 0.52 is not better than 0.53").waitFor();
    await page.keyboard.press("Escape");
    await dialog.waitFor({ state: "detached" });
  });

  test("the slider asks the ledger what was serving at a moment", async () => {
    await using digits = await site();
    await train(digits, 3);
    const page = await digits.visit(DIGITS);
    await says(page, /Now, production is served by v3/);
    for (const version of [3, 2, 1]) {
      await page.getByRole("button", { name: "Deployment before" }).click();
      await says(page, new RegExp(`^At .*, production was served by v${version} .*deployment ${version}, by ci`));
    }
    await page.getByRole("button", { name: "Deployment after" }).click();
    await says(page, /^At .* was served by v2/);
    const slider = page.getByRole("slider");
    await slider.press("End");
    await says(page, /^Now, production is served by v3/);
    expect(await slider.getAttribute("aria-valuetext")).toBe("now");
    await page.getByLabel("Exactly").fill("2020-02-29T12:00:00");
    await page.getByLabel("Exactly").press("Tab");
    await says(page, "At 29 Feb 2020, 12:00:00, nothing was serving in production.");
  });

  test("a year of six digits is told beside its field, and changes nothing", async () => {
    await using digits = await site();
    await train(digits, 3);
    const page = await digits.visit(DIGITS);
    await says(page, /Now, production is served by v3/);
    await hasNumbers(page, [3, 2, 1]);
    const NO_DATE = "202610-01-01T03:00";
    const problems = page.getByText("A year has four digits.");
    const filters = page.getByRole("form", { name: "Filter the history" });
    const invalid = (label: string) => page.getByLabel(label).getAttribute("aria-invalid");

    for (const label of ["From", "Before"]) {
      await filters.getByLabel(label).fill(NO_DATE);
      await problems.waitFor();
      expect(await invalid(label)).toBe("true");
      await hasNumbers(page, [3, 2, 1]);
      await filters.getByRole("button", { name: "Clear" }).click();
      await problems.waitFor({ state: "detached" });
      expect(await filters.getByLabel(label).inputValue()).toBe("");
    }

    const exactly = page.getByLabel("Exactly");
    const now = page.getByRole("button", { name: "Now", exact: true });
    for (const [before, told] of [
      [undefined, /^Now, production is served by v3/],
      ["2020-02-29T12:00:00", /^At 29 Feb 2020, 12:00:00, nothing was serving/],
    ] as const) {
      if (before !== undefined) await exactly.fill(before);
      await exactly.press("Tab");
      await says(page, told);
      await exactly.fill(NO_DATE);
      await exactly.press("Tab");
      await problems.waitFor();
      expect(await invalid("Exactly")).toBe("true");
      await says(page, told);
      await now.click();
      await problems.waitFor({ state: "detached" });
      await says(page, /^Now, production is served by v3/);
      expect(await exactly.inputValue()).toMatch(/^\d{4}-/);
    }

    await page.getByRole("button", { name: "Freeze…" }).click();
    const dialog = page.getByRole("dialog");
    const freeze = dialog.getByRole("button", { name: "Freeze", exact: true });
    await dialog.getByLabel("Why it is frozen").fill("audit");
    await dialog.getByRole("button", { name: "Preview" }).click();
    await says(page, "Nothing is written yet.");
    await dialog.getByLabel("Until").fill(NO_DATE);
    await problems.waitFor();
    expect(await freeze.isDisabled()).toBe(true);
    await dialog.getByRole("button", { name: "Preview" }).click();
    expect(await freeze.isDisabled()).toBe(true);
    await dialog.getByLabel("Until").fill("");
    await problems.waitFor({ state: "detached" });
    expect(await freeze.isDisabled()).toBe(false); // it is what was previewed again
    expect((await digits.ledger.project("Digits")).policy.frozen).toBeNull();
  });

  test("whoever types a date without a pause gets a year of four digits", async () => {
    await using digits = await site();
    await train(digits, 3);
    const page = await digits.visit(DIGITS);
    await says(page, /Now, production is served by v3/);
    const from = page.getByRole("form", { name: "Filter the history" }).getByLabel("From");
    await from.focus();
    await page.keyboard.type("010120261030A");
    await eventually(() => from.inputValue(), "2026-01-01T10:30");
  });

  test("the chart can be read as a table, along time or along the order of events", async () => {
    await using digits = await site();
    await train(digits, 3);
    await digits.ledger.deploy({ project: "Digits", environment: "staging", model: 1 });
    const page = await digits.visit(DIGITS);
    const drawing = page.getByRole("img", {
      name: /^Chart of 6 events: f1 of 3 models.* version 3 \(svm\) is active now/,
    });
    await drawing.waitFor();
    await page.getByLabel("Along").selectOption("order");
    await page.getByLabel("Show as", { exact: true }).selectOption("table");
    await page.getByRole("row", { name: /deployment 3 \(at its training\) v3 svm 0.53$/ }).waitFor();
    await page.locator(".section-head").getByLabel("Environment").selectOption("staging");
    await page.getByRole("row", { name: /deployment 1 \(by name\) v1 linear 0.51$/ }).waitFor();
    await page.getByLabel("Show as", { exact: true }).selectOption("chart");
    await page.getByRole("img", { name: /active model of staging as steps through 1 deployments/ }).waitFor();
  });

  test("models are sorted and found; the leaderboard puts the best first", async () => {
    await using digits = await site();
    await train(digits, 4);
    await digits.ledger.recordTraining({ project: "Digits", algorithm: "svm", metrics: { f1: 0.1 } });
    const page = await digits.visit(DIGITS);
    const models = page.getByRole("region", { name: "Models" }).first();
    const first = () => models.locator("tbody tr").first().locator("td").first().textContent();
    await eventually(first, "v5");
    await models.getByRole("button", { name: "f1" }).click();
    await eventually(first, "v4");
    await models.getByRole("button", { name: "f1" }).click();
    await eventually(first, "v5");
    expect(await models.getByRole("columnheader", { name: "f1" }).getAttribute("aria-sort")).toBe("ascending");
    await page.getByRole("form", { name: "Filter the models" }).getByLabel("Algorithm").selectOption("forest");
    await eventually(first, "v2");
    const leaders = page.getByRole("region", { name: "Leaderboard" }).first();
    await leaders.getByRole("row", { name: /^1 v4 linear 0.54 production/ }).waitFor();
  });

  test("an unknown project and a service that is gone are said in a sentence", async () => {
    await using digits = await site();
    await train(digits, 1);
    const page = await digits.visit({ at: projectAt("Dogits") });
    await page.getByRole("alert").filter({ hasText: 'there is no project "Dogits"' }).waitFor();
    const other = await digits.visit(DIGITS);
    await says(other, "Now, production is served by");
    await other.context().setOffline(true);
    await other.getByRole("button", { name: "Roll back…" }).click();
    await other.getByRole("dialog").getByRole("button", { name: "Preview" }).click();
    await other.getByRole("dialog").getByText("The service cannot be reached").waitFor();
    await other.context().setOffline(false);
    await other.getByRole("dialog").getByRole("button", { name: "Preview" }).click();
    const refused = await digits.ledger.rollback({ project: "Digits" }).catch((error: Error) => error.message);
    await other.getByRole("dialog").getByText(String(refused)).waitFor();
    digits.complaints.length = 0; // the browser's own words about being offline
  });
});
