import { defineConfig } from "vitest/config";

// biome-ignore lint/style/noDefaultExport: vitest reads the default export
export default defineConfig({
  test: {
    include: ["test/domain/**/*.test.ts", "test/projections/**/*.test.ts"],
    // Needs a server: what it holds the folds to, they are held to here without one.
    exclude: ["test/projections/on-server.test.ts"],
  },
});
