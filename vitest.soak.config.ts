import { defineConfig } from "vitest/config";

/** The soaks: real processes, files and servers, for minutes, by hand: `npm run soak`. */
// biome-ignore lint/style/noDefaultExport: vitest reads the default export
export default defineConfig({
  test: {
    include: ["test/soak/*.soak.ts"],
    pool: "forks",
    maxWorkers: 1,
    testTimeout: 300_000,
    hookTimeout: 120_000,
    disableConsoleIntercept: true,
  },
});
