import axe from "axe-core";
import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { inChromium, PATIENCE_MS, projectAt, says, site, train } from "./browser.ts";

const PHONE = { viewport: { width: 375, height: 740 }, hasTouch: true, isMobile: true, deviceScaleFactor: 2 };
const DIGITS = { at: projectAt("Digits") };

interface Violation {
  readonly id: string;
  readonly nodes: readonly { readonly target: readonly string[]; readonly failureSummary: string }[];
}

/** What axe-core finds, in words. Evaluated beside the page's own policy, which lets no script in. */
async function violations(page: Page): Promise<readonly string[]> {
  // What is about to fade or to appear has no colour to measure yet.
  await page.evaluate("Promise.all(document.getAnimations().map((one) => one.finished.catch(() => undefined)))");
  const found = await page.evaluate(`(() => { ${axe.source} })(); axe.run().then(({ violations }) => violations)`);
  return (found as readonly Violation[]).flatMap(({ id, nodes }) =>
    nodes.map(({ target, failureSummary }) => `${id} at ${target.join(" ")}: ${failureSummary}`),
  );
}

/** What runs out of its box, or the page out of the screen; what scrolls or is cut off on purpose does not. */
async function tooWide(page: Page): Promise<readonly string[]> {
  return page.evaluate<readonly string[]>(`[...document.querySelectorAll("*")]
    .filter((one) => one.clientWidth > 0 && one.scrollWidth > one.clientWidth + 1 && !one.closest(".visually-hidden"))
    .filter((one) => one === document.documentElement || getComputedStyle(one).overflowX === "visible")
    .map((one) => one.outerHTML.slice(0, 100))`);
}

inChromium("the page for everybody", () => {
  for (const colorScheme of ["light", "dark"] as const) {
    test(`axe-core finds nothing to complain of (${colorScheme})`, { timeout: 300_000 }, async () => {
      await using digits = await site();
      await train(digits, 4);
      await digits.ledger.deploy({ project: "Digits", environment: "staging", model: 2, reason: "a look" });
      await digits.ledger.rollback({ project: "Digits" });
      await digits.ledger.retireModel({ project: "Digits", model: 1 });
      await digits.ledger.setPolicy({ project: "Digits", policy: { frozen: { reason: "audit" } } });
      const list = await digits.visit({ in: { colorScheme } });
      await says(list, "1 project");
      expect(await violations(list)).toEqual([]);
      await list.getByRole("button", { name: "Token…" }).click();
      expect(await violations(list)).toEqual([]);

      const page = await digits.visit({ ...DIGITS, in: { colorScheme } });
      await says(page, "Now, production is served by");
      await page.getByRole("row", { name: /^1 v4/ }).waitFor();
      expect(await violations(page)).toEqual([]);
      await page.getByLabel("Show as", { exact: true }).selectOption("table");
      await page.getByRole("button", { name: "Explain deployment 5 in production" }).last().click();
      await says(page, /made version 3/);
      expect(await violations(page)).toEqual([]);
      await page.keyboard.press("Escape");
      await page.getByRole("button", { name: "Roll back…" }).click();
      await page.getByRole("dialog").getByRole("button", { name: "Preview" }).click();
      await says(page, "Nothing is written yet.");
      expect(await violations(page)).toEqual([]);
    });
  }

  test("on a phone nothing is wider than the screen, and everything can be done", async () => {
    await using digits = await site();
    await train(digits, 30);
    const page = await digits.visit({ in: PHONE });
    await says(page, "1 project");
    const width = () => page.evaluate("document.documentElement.scrollWidth");
    expect(await width()).toBe(PHONE.viewport.width);
    await page.getByRole("link", { name: "Digits" }).tap();
    await says(page, "Now, production is served by");
    await page.getByRole("row", { name: /^1 v30/ }).waitFor();
    expect(await width()).toBe(PHONE.viewport.width);
    expect(await violations(page)).toEqual([]);
    await page.getByRole("button", { name: "Roll back…" }).tap();
    await page.getByRole("dialog").getByRole("button", { name: "Preview" }).tap();
    await says(page, "Nothing is written yet.");
    const box = await page.getByRole("dialog").boundingBox();
    expect((box?.x ?? -1) >= 0 && (box?.x ?? 0) + (box?.width ?? 0) <= PHONE.viewport.width).toBe(true);
    await page.getByRole("dialog").getByRole("button", { name: "Roll back", exact: true }).tap();
    await says(page, "Version 29 (forest) is active in production now, as deployment 31.");
  });

  test("nor do long words and numbers run out of where they stand", async () => {
    await using wild = await site();
    const project = "Wild";
    const reason = `see https://example.com/${"a-long-path/".repeat(8)}`;
    for (const score of [1e-12, -5e20, 0, 1.7e308]) {
      await wild.ledger.recordTraining({ project, task: "regression", algorithm: "svm", metrics: { r2: score } });
    }
    await wild.ledger.deploy({ project, model: 1, reason });
    const environment = "e".repeat(63);
    await wild.ledger.deploy({ project, environment, model: 4, reason });
    const page = await wild.visit({ at: projectAt(project), in: { ...PHONE, viewport: { width: 360, height: 740 } } });
    await says(page, /Now, production is served by v1/);
    await page.getByRole("row", { name: /^1 v4 svm 1\.7E308/ }).waitFor();
    await page.getByRole("row", { name: /^2 v1 svm 1E-12/ }).waitFor();
    await page.getByRole("row", { name: /^3 v3 svm 0 / }).waitFor();
    await page.getByRole("row", { name: /^4 v2 svm -5E20/ }).waitFor();
    expect(await tooWide(page)).toEqual([]);
    await page.locator(".section-head").getByLabel("Environment").selectOption(environment);
    await says(page, /Now, e+ is served by v4/);
    expect(await tooWide(page)).toEqual([]);
    await page
      .getByRole("button", { name: /^Explain deployment 1 in e+/ })
      .first()
      .tap();
    await says(page, /made version 4/);
    expect(await tooWide(page)).toEqual([]);
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: "Deploy…", exact: true }).tap();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Environment").selectOption(environment);
    await dialog.getByRole("button", { name: "Preview" }).tap();
    await says(page, "Nothing is written yet.");
    expect(await tooWide(page)).toEqual([]);
    await dialog.getByRole("button", { name: "Deploy", exact: true }).tap();
    await page
      .getByText(/is active in e+ now, as deployment 2/)
      .first()
      .waitFor();
    expect(await tooWide(page)).toEqual([]);
  });

  test("with the keyboard alone a model is found, deployed and explained", async () => {
    await using digits = await site();
    await train(digits, 3);
    const page = await digits.visit();
    await says(page, "1 project");
    const { keyboard } = page;
    const focused = () => page.evaluate<string>("document.activeElement.textContent.trim()");
    const tabTo = async (text: string | RegExp): Promise<void> => {
      for (let n = 0; n < 60; n += 1) {
        await keyboard.press("Tab");
        const here = await focused();
        if (typeof text === "string" ? here === text : text.test(here)) return;
      }
      throw new Error(`the key Tab does not lead to ${text}`);
    };
    await tabTo("Skip to the content");
    await keyboard.press("Enter");
    expect(await page.evaluate("document.activeElement.id")).toBe("main");
    await tabTo("Digits");
    await keyboard.press("Enter");
    await says(page, "Now, production is served by");
    // A new page begins at its beginning.
    expect(await page.evaluate("document.activeElement.id")).toBe("main");

    await tabTo("Deploy…");
    await keyboard.press("Enter");
    const dialog = page.getByRole("dialog");
    await dialog.waitFor();
    expect(await page.evaluate('document.activeElement.closest("dialog") !== null')).toBe(true);
    await dialog.getByLabel("Which model").focus();
    await keyboard.press("m"); // "the most recent" begins like the others: typing goes on
    await dialog.getByLabel("Which model").press("ArrowDown");
    await tabTo("Preview");
    await keyboard.press("Enter");
    await says(page, "Nothing is written yet.");
    await tabTo("Deploy");
    await keyboard.press("Enter");
    await says(page, "Version 3 (svm) is active in production now, as deployment 4.");
    // The focus is back where it was before the dialog.
    expect(await focused()).toBe("Deploy…");

    await tabTo(/^Explain deployment 4/);
    await keyboard.press("Enter");
    await says(page, /made version 3 \(svm\) of "Digits" active in production, as deployment 4/);
    await keyboard.press("Escape");
    expect(await focused()).toMatch(/^Explain deployment 4/);
  });

  test("ten thousand models are there within seconds, and in few elements", async () => {
    await using digits = await site({ store: "memory:" });
    await trainMany(digits, 10_000);
    const page = await digits.visit(DIGITS);
    const start = performance.now();
    await says(page, "10,000 models · ");
    await page.getByRole("navigation", { name: "Pages of models" }).getByText("1–15 of 10,000").waitFor();
    expect(performance.now() - start).toBeLessThan(PATIENCE_MS);
    expect(await page.evaluate('document.querySelectorAll("*").length')).toBeLessThan(2_000);
    await page.getByRole("img", { name: /f1 of 10000 models/ }).waitFor();
    await page.getByRole("form", { name: "Filter the models" }).getByLabel("Version").fill("4711");
    await page.getByRole("row", { name: /^v4711/ }).waitFor();
    // And stays current.
    await digits.ledger.recordTraining({ project: "Digits", algorithm: "svm", metrics: { f1: 0.999 } });
    await page.getByRole("row", { name: /^1 v10001 svm 0.999 production/ }).waitFor();
    await says(page, /Now, production is served by v10001/);
  });
});

async function trainMany({ ledger }: { readonly ledger: Parameters<typeof train>[0]["ledger"] }, count: number) {
  await train({ ledger }, 1);
  const trainings = Array.from({ length: count - 1 }, (_, n) => {
    const f1 = 0.4 + ((n * 7919) % 1_000) / 2_000;
    return () =>
      ledger.recordTraining({ project: "Digits", algorithm: "svm", metrics: { f1 }, automaticDeploy: n % 200 === 0 });
  });
  // One after the other: commands of one project wait for one another anyway.
  for (const record of trainings) await record();
}
