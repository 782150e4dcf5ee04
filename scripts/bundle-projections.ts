import { join } from "node:path";
import { build } from "esbuild";

const root = join(import.meta.dirname, "..");
const folder = join(root, "projections/server");

const BANNER = `// Made from the folds of model-ledger by its build: change those, then run "model-ledger init-projections".`;

/**
 * Makes of each projection one plain script that EventStoreDB runs: no imports, and a syntax (ES2015) that the engine of
 * every version understands.
 */
export async function bundleProjections(into: string = folder): Promise<void> {
  await build({
    entryPoints: ["active-models", "deployment-history", "leaderboard"].map((name) => join(folder, `${name}.ts`)),
    outdir: into,
    bundle: true,
    format: "iife",
    target: "es2015",
    charset: "utf8",
    banner: { js: BANNER },
    logLevel: "warning",
    absWorkingDir: root,
  });
}

/** As vitest calls it before the tests: they run the scripts of the folds as they are now. */
export const setup = (): Promise<void> => bundleProjections();
