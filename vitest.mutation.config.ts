import { defineConfig } from "vitest/config";

/** The tests that hold the rules and the folds to the contract, for `npm run mutate`: quick ones, and none with a server. */
// biome-ignore lint/style/noDefaultExport: vitest reads the default export
export default defineConfig({
  test: {
    include: [
      "test/domain/**/*.test.ts",
      "test/projections/**/*.test.ts",
      "test/audit/what-if.test.ts",
      "test/ledger/bad-input.test.ts",
    ],
    testTimeout: 120_000,
    // Holds the server to what the folds give in process, not the folds to the contract.
    exclude: ["test/projections/on-server.test.ts"],
  },
});
