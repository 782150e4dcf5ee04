import { existsSync, mkdtempSync, rmSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Browser, type BrowserContext, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect } from "vitest";
import { buildPage } from "../../scripts/build-page.ts";
import { type HttpOptions, httpApp } from "../../src/http/app.ts";
import { page as pageIn } from "../../src/http/page.ts";
import { openWithStore } from "../../src/open-ledger.ts";

const PROGRAMS = [process.env.CHROMIUM, "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
const program = PROGRAMS.find((path) => path !== undefined && existsSync(path));

/** As long as a loaded machine may take for one step of a page. */
export const PATIENCE_MS = 60_000;

let browser: Browser;
let built: string;

/** Tests in a real Chromium, on the page as it is built for the package. Where there is none they say so. */
export function inChromium(name: string, tests: () => void): void {
  if (program === undefined) {
    console.warn(`NOT RUN: ${name}: there is no Chromium here (apt-get install chromium, or set CHROMIUM to its path)`);
  }
  describe.skipIf(program === undefined)(name, () => {
    beforeAll(async () => {
      built = mkdtempSync(join(tmpdir(), "model-ledger-page-"));
      [browser] = await Promise.all([
        chromium.launch({ ...(program && { executablePath: program }), args: ["--no-sandbox"] }),
        buildPage(built),
      ]);
    });
    afterAll(async () => {
      await browser?.close();
      rmSync(built, { recursive: true, force: true });
    });
    tests();
  });
}

interface Visit {
  /** What stands behind the address of the service. */
  readonly at?: string;
  readonly in?: BrowserContextOptions;
}

export const projectAt = (project: string): string => `#/projects/${encodeURIComponent(project)}`;

/**
 * A service on a ledger of its own in a file, listening, with its page. At its end it fails if a page threw or
 * complained, or asked anybody but the service for anything.
 */
export async function site({ store, ...options }: HttpOptions & { readonly store?: "memory:" } = {}) {
  const folder = mkdtempSync(join(tmpdir(), "model-ledger-site-"));
  const { ledger } = await openWithStore(store ?? `sqlite:${join(folder, "ledger.db")}`);
  const draining = new AbortController();
  const app = await httpApp(ledger, { page: pageIn(built), draining: draining.signal, ...options });
  await app.listen({ host: "127.0.0.1", port: 0 });
  const url = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}/`;
  const contexts: BrowserContext[] = [];
  const complaints: string[] = [];
  const strangers: string[] = [];

  return {
    ledger,
    url,
    /** What the browser itself complains of beside refusals, which the page is there to show. */
    complaints,
    /** A new browser of its own: another person, as far as the page can tell. */
    async visit({ at = "", in: context = {} }: Visit = {}): Promise<Page> {
      const person = await browser.newContext({ locale: "en-GB", timezoneId: "UTC", ...context });
      contexts.push(person);
      person.setDefaultTimeout(PATIENCE_MS);
      const page = await person.newPage();
      page.on("pageerror", (error) => complaints.push(error.message));
      page.on("console", (message) => {
        const isRefusal = /^Failed to load resource: the server responded with a status of (4\d\d|503)/.test(
          message.text(),
        );
        if (message.type() === "error" && !isRefusal) complaints.push(message.text());
      });
      page.on("request", (request) => {
        if (!request.url().startsWith(url) && !request.url().startsWith("data:")) strangers.push(request.url());
      });
      await page.goto(url + at);
      return page;
    },
    async [Symbol.asyncDispose]() {
      for (const context of contexts) await context.close();
      draining.abort();
      app.server.closeAllConnections();
      await app.close();
      await ledger.close();
      rmSync(folder, { recursive: true, force: true });
      expect({ complaints, strangers }).toEqual({ complaints: [], strangers: [] });
    },
  };
}

export type Site = Awaited<ReturnType<typeof site>>;

/** Waits until `ask` answers `answer`. */
export async function eventually<Answer>(ask: () => Promise<Answer>, answer: Answer): Promise<void> {
  await expect.poll(ask, { timeout: PATIENCE_MS }).toBe(answer);
}

/** Waits until the page says so somewhere. */
export async function says(page: Page, text: string | RegExp): Promise<void> {
  await page.getByText(text).first().waitFor();
}

const scorer = ["svm", "linear", "forest"] as const;

/** Trains `count` models of "Digits", each a little better than the one before, so that each is deployed. */
export async function train({ ledger }: Pick<Site, "ledger">, count: number, project = "Digits"): Promise<void> {
  for (let n = 1; n <= count; n += 1) {
    const algorithm = scorer[n % scorer.length] ?? "svm";
    await ledger.recordTraining({
      project,
      task: "classification",
      algorithm,
      metrics: { f1: 0.5 + n / 100 },
      actor: "ci",
    });
  }
}
