#!/usr/bin/env node
// Runs on any Node, so it imports nothing of ours before it knows that this one will do.
import { spawn } from "node:child_process";
import { existsSync, realpathSync } from "node:fs";
import module from "node:module";
import { fileURLToPath } from "node:url";

const here = (path) => new URL(`../${path}`, import.meta.url);
const [major, minor] = process.versions.node.split(".").map(Number);
const isNewEnough = major > 22 || (major === 22 && minor >= 13);
// A checkout runs from its sources where Node can do that, else from what `npm run build` made; a package has only that.
const program = [process.features.typescript && here("src/main.ts"), here("dist/src/main.js")].find(
  (file) => file && existsSync(file),
);

if (isNewEnough && program) {
  module.enableCompileCache?.(); // a quarter off the start of each command but the first
  await import(program.href);
} else {
  // The repository brings its own Node; an installed package does not.
  const pinned = fileURLToPath(here(`node_modules/node-linux-${process.arch}/bin/node`));
  if (existsSync(pinned) && realpathSync(pinned) !== process.execPath) {
    // Not spawnSync: whoever ends this process must reach the one that does the work.
    const child = spawn(pinned, process.argv.slice(1), { stdio: "inherit" });
    for (const signal of ["SIGHUP", "SIGINT", "SIGTERM"]) process.on(signal, () => child.kill(signal));
    child.on("error", (error) => {
      console.error(`model-ledger: cannot start ${pinned}: ${error.message}`);
      process.exitCode = 2;
    });
    child.on("exit", (code, signal) => {
      if (signal) {
        process.removeAllListeners(signal);
        process.kill(process.pid, signal);
      } else process.exitCode = code;
    });
  } else {
    console.error(
      isNewEnough
        ? "model-ledger is not built and this Node does not run its sources: `npm run build` makes dist/"
        : `model-ledger needs Node 22.13 or newer, and this is ${process.version}: install a newer Node`,
    );
    process.exitCode = 2;
  }
}
