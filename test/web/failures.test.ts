import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { eventually, inChromium, projectAt, type Site, says, site, train } from "./browser.ts";

/** The first question to each address about projects gets no answer from now on. Answers the addresses that were asked. */
async function failOnce(page: Page): Promise<ReadonlySet<string>> {
  const failed = new Set<string>();
  await page.route(
    ({ pathname }) => pathname.startsWith("/v1/projects"),
    async (route) => {
      const { pathname } = new URL(route.request().url());
      const isFirst = !failed.has(pathname);
      failed.add(pathname);
      await (isFirst ? route.abort() : route.continue());
    },
  );
  return failed;
}

/** The browser's own words about what {@link failOnce} did. */
function forgetFailures({ complaints }: Site): void {
  const others = complaints.filter((complaint) => !complaint.includes("net::ERR_FAILED"));
  complaints.splice(0, complaints.length, ...others);
}

const problems = (page: Page) => page.getByRole("alert").count();

inChromium("a service that fails now and then", () => {
  test("what an event made old is asked for again until it is there, and then no problem is told", async () => {
    await using digits = await site();
    await train(digits, 3);
    const [list, page] = [await digits.visit(), await digits.visit({ at: projectAt("Digits") })];
    await list.getByText("v3").waitFor();
    await says(page, /Now, production is served by v3/);
    await page.getByRole("row", { name: /^1 v3/ }).waitFor();
    await page.getByRole("row", { name: /^3 production v3/ }).waitFor();
    const [ofList, ofPage] = [await failOnce(list), await failOnce(page)];
    await digits.ledger.deploy({ project: "Digits", model: 1 });

    await list.getByText("v1").waitFor();
    await page.getByRole("region", { name: "Now serving" }).getByText("v1").waitFor();
    await says(page, /Now, production is served by v1/);
    await page.getByRole("row", { name: /^4 production v1/ }).waitFor();
    await page.getByRole("row", { name: /^3 v1 .* production/ }).waitFor();
    expect([...ofList]).toEqual(["/v1/projects/Digits"]);
    const parts = ["", "/active", "/deployments", "/leaderboard"];
    expect([...ofPage].sort()).toEqual(parts.map((part) => `/v1/projects/Digits${part}`));
    for (const one of [list, page]) await eventually(() => problems(one), 0);
    forgetFailures(digits);
  });

  test("what is loaded at first is asked for again, too", async () => {
    await using digits = await site();
    await train(digits, 3);
    const page = await digits.visit();
    await says(page, "1 project");
    const failed = await failOnce(page);
    await page.reload();
    await says(page, "1 project");
    await page.getByRole("link", { name: "Digits" }).click();
    await says(page, /Now, production is served by v3/);
    await page.getByRole("row", { name: /^v3 svm/ }).waitFor();
    await page.getByRole("img", { name: /of 3 models.* through 3 deployments/ }).waitFor();
    expect(failed.size).toBe(7);
    await eventually(() => problems(page), 0);
    forgetFailures(digits);
  });

  test("an answer that an event overtook does not make old what the event made new", async () => {
    await using digits = await site();
    await train(digits, 3);
    for (const [at, path, told] of [
      ["", "/v1/projects", /^1 project$/],
      [projectAt("Digits"), "/v1/projects/Digits", /^Now, production is served by v1/],
    ] as const) {
      await digits.ledger.deploy({ project: "Digits", model: 3 });
      const page = await digits.visit({ at: "#/projects/Elsewhere" });
      await page.getByRole("alert").waitFor();
      const [asked, released] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
      await page.route(
        ({ pathname }) => pathname === path,
        async (route) => {
          const response = await route.fetch();
          asked.resolve();
          await released.promise;
          await route.fulfill({ response });
        },
        { times: 1 },
      );
      await page.evaluate(`location.hash = ${JSON.stringify(at)}`);
      await asked.promise;
      await digits.ledger.deploy({ project: "Digits", model: 1 });
      await page.getByText("v1").first().waitFor();
      const arrived = page.waitForResponse((response) => new URL(response.url()).pathname === path);
      released.resolve();
      await (await arrived).finished();
      await says(page, told);
      await page.locator(".serving, .active").getByText("v1").waitFor();
      expect(await page.locator(".serving, .active").getByText("v3").count()).toBe(0);
    }
  });

  test("a refusal is no failure: it stays to be read, and is not asked for again", async () => {
    await using digits = await site();
    const page = await digits.visit({ at: projectAt("Dogits") });
    await page.getByRole("alert").filter({ hasText: 'there is no project "Dogits"' }).waitFor();
    await expect(page.waitForRequest(/Dogits/, { timeout: 1_500 })).rejects.toThrow("Timeout");
    await train(digits, 1, "Dogits");
    await says(page, /Now, production is served by v1/);
    await eventually(() => problems(page), 0);
  });
});
