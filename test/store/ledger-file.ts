import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";

// threads and child processes start in half the time when they need not strip and compile the same sources again
process.env.NODE_COMPILE_CACHE ??= join(tmpdir(), "model-ledger-compile-cache");

/** The path of a ledger that is not there yet, in a directory of its own that goes with the test. */
export function ledgerFile(): string {
  const directory = mkdtempSync(join(tmpdir(), "model-ledger-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return join(directory, "ledger.db");
}
