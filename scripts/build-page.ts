import { join } from "node:path";
import { build } from "vite";

/** Bundles the page into a folder of its own, which the service then serves as it is. */
export async function buildPage(folder: string): Promise<void> {
  await build({
    root: join(import.meta.dirname, "../src/web"),
    base: "./",
    configFile: false,
    logLevel: "warn",
    oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
    // No inlined files: the page's content security policy takes nothing but what the service itself serves.
    build: { outDir: folder, emptyOutDir: true, assetsInlineLimit: 0, modulePreload: { polyfill: false } },
  });
}
