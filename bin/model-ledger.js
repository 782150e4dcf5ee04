#!/usr/bin/env node
// Runs on any Node, so it imports nothing of ours before it knows that this one will do.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const [major, minor] = process.versions.node.split(".").map(Number);
const isNewEnough = major > 22 || (major === 22 && minor >= 13);

if (isNewEnough) {
  const compiled = new URL("../dist/src/main.js", import.meta.url);
  const source = new URL("../src/main.ts", import.meta.url);
  // The repository runs from its sources where Node can do that, else from what `npm run build` made.
  await import((existsSync(source) && process.features.typescript ? source : compiled).href);
} else {
  // The repository brings its own Node; an installed package does not.
  const pinned = fileURLToPath(new URL(`../node_modules/node-linux-${process.arch}/bin/node`, import.meta.url));
  if (existsSync(pinned)) {
    const { status, signal } = spawnSync(pinned, process.argv.slice(1), { stdio: "inherit" });
    if (signal) process.kill(process.pid, signal);
    process.exitCode = status ?? 1;
  } else {
    console.error(`model-ledger needs Node 22.13 or newer, and this is ${process.version}: install a newer Node`);
    process.exitCode = 2;
  }
}
