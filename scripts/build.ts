import { spawnSync } from "node:child_process";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { buildPage } from "./build-page.ts";
import { bundleProjections } from "./bundle-projections.ts";

/** Compiles the package into dist/, from nothing: the scripts that EventStoreDB runs, beside the folds too, and the page. */
const root = join(import.meta.dirname, "..");
rmSync(join(root, "dist"), { recursive: true, force: true });
const compiler = [join(root, "node_modules/typescript/bin/tsc"), "-p", join(root, "tsconfig.build.json")];
process.exitCode = spawnSync(process.execPath, compiler, { stdio: "inherit" }).status ?? 1;
await bundleProjections();
await bundleProjections(join(root, "dist/projections/server"));
await buildPage(join(root, "dist/web"));
