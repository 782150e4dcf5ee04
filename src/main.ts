import { readFileSync } from "node:fs";
import { runProgram } from "./cli/program.ts";
import { openLedger } from "./open-ledger.ts";

/** The composition root of the program: what it runs on, and how it ends. */
function versionOfPackage(): string {
  // From the sources it lies one folder up, from dist/src two.
  const places = ["../package.json", "../../package.json"];
  for (const place of places) {
    try {
      const { version } = JSON.parse(readFileSync(new URL(place, import.meta.url), "utf8")) as { version?: string };
      if (version !== undefined) return version;
    } catch {} // not there: the next place
  }
  return "unknown";
}

const stop = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stop.abort());

// `model-ledger history | head` closes the pipe early: that is no error.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(0);
  throw error;
});

process.exitCode = await runProgram(process.argv.slice(2), {
  streams: process,
  version: versionOfPackage(),
  open: openLedger,
  signal: stop.signal,
});
