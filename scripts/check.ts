import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** `npm run check`: everything that can be said of the code without running its tests. */
const root = join(import.meta.dirname, "..");
const bin = (name: string): string => join(root, "node_modules/.bin", name);

interface Check {
  readonly name: string;
  readonly run: () => void;
}

/** Runs a tool; what it printed comes with the failure only. */
function tool(command: string, args: readonly string[], cwd = root): string {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, encoding: "utf8", maxBuffer: 64 * 1024 * 1024 });
  if (status !== 0) throw new Error(`${command} ${args.join(" ")}\n${stdout}${stderr}`);
  return stdout;
}

/** Installs the tarball in an empty folder, imports it and runs its program, as a stranger would. */
function tryPackage(tarball: string, folder: string): void {
  writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "stranger", private: true, type: "module" }));
  tool("npm", ["install", "--no-audit", "--no-fund", "--silent", tarball], folder);
  const script = `
    import { openLedger, LedgerError } from "model-ledger";
    await using ledger = await openLedger("sqlite:./try.db");
    await ledger.recordTraining({ project: "P", task: "regression", algorithm: "linear", metrics: { r2: 0.5 } });
    const active = await ledger.activeModel("P");
    const refused = await ledger.rollback({ project: "P" }).catch((error) => error instanceof LedgerError && error.code);
    if (active?.version !== 1 || refused !== "NO_PREVIOUS_DEPLOYMENT") throw new Error("the package does not work");
  `;
  writeFileSync(join(folder, "try.ts"), script);
  tool(process.execPath, [join(folder, "try.ts")], folder);
  const program = join(folder, "node_modules/.bin/model-ledger");
  const listed = tool(process.execPath, [program, "history", "P", "--store", "sqlite:./try.db", "--json"], folder);
  const { number } = JSON.parse(listed) as { readonly number: number };
  if (number !== 1) throw new Error(`the packed program answered ${listed}`);
}

function checkPackage(): void {
  const folder = mkdtempSync(join(tmpdir(), "model-ledger-pack-"));
  try {
    tool(process.execPath, [join(root, "scripts/build.ts")]); // npm pack runs no script here: see .npmrc
    tool("npm", ["pack", "--silent", "--pack-destination", folder]);
    const [tarball = ""] = execFileSync("ls", [folder], { encoding: "utf8" }).trim().split("\n");
    const path = join(folder, tarball);
    tool(bin("publint"), [path, "--strict"]);
    tool(bin("attw"), [path, "--profile", "esm-only"]);
    const stranger = mkdtempSync(join(folder, "stranger-"));
    tryPackage(path, stranger);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const CHECKS: readonly Check[] = [
  { name: "types", run: () => tool(bin("tsc"), ["-p", "."]) },
  { name: "format and lint", run: () => tool(bin("biome"), ["check", "--error-on-warnings", "."]) },
  { name: "arrows", run: () => tool(bin("depcruise"), ["--config", ".dependency-cruiser.mjs", "src", "projections"]) },
  { name: "unused code", run: () => tool(bin("knip"), []) },
  { name: "packed package", run: checkPackage },
];

for (const { name, run } of CHECKS) {
  const start = performance.now();
  try {
    run();
    console.log(`ok      ${name} (${((performance.now() - start) / 1_000).toFixed(1)} s)`);
  } catch (error) {
    console.log(`FAILED  ${name}\n${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = 1;
  }
}
