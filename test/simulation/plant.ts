import { cpSync, mkdirSync, mkdtempSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Mutation } from "./mutations.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const COPIED = ["src", "projections", "test/simulation", "test/domain/naive-model.ts", "package.json"];

/** A copy of the sources with the bug in it, which whoever asks for it removes. */
export function plant({ bug, file, find, replace }: Mutation): string {
  const copy = mkdtempSync(join(tmpdir(), "model-ledger-mutant-"));
  for (const path of COPIED) {
    mkdirSync(dirname(join(copy, path)), { recursive: true });
    cpSync(join(ROOT, path), join(copy, path), { recursive: true });
  }
  symlinkSync(join(ROOT, "node_modules"), join(copy, "node_modules"));
  const source = readFileSync(join(copy, file), "utf8");
  const times = source.split(find).length - 1;
  if (times !== 1) throw new Error(`"${bug}": what it replaces stands ${times} times in ${file}`);
  writeFileSync(
    join(copy, file),
    source.replace(find, () => replace),
  );
  return copy;
}
