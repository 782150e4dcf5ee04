import { format } from "node:util";
import { expect } from "vitest";

/**
 * What the spec files of the rules get for `vitest` while the rules are mutated: it collects their tests, to be run as often
 * as there are mutants. They use no more of it than this.
 */
export { expect };

export interface Spec {
  /** Told apart from all others, and the same whenever its file is loaded. */
  readonly id: string;
  readonly run: () => unknown;
}

let collected = new Map<string, Spec>();
let headings: readonly string[] = [];

/** Loads a file by `load` and gives the tests that it holds, in order. */
export async function specsOf(file: string, load: () => Promise<unknown>): Promise<readonly Spec[]> {
  collected = new Map();
  headings = [file];
  await load();
  return [...collected.values()];
}

export function describe(name: string, declare: () => void): void {
  const outer = headings;
  headings = [...outer, name];
  declare();
  headings = outer;
}

export function test(name: string, run: () => unknown): void {
  const said = [...headings, name].join(" > ");
  let id = said;
  for (let twin = 2; collected.has(id); twin++) id = `${said} (${twin})`;
  collected.set(id, { id, run });
}

test.each =
  (table: readonly unknown[]) =>
  (name: string, run: (...row: unknown[]) => unknown): void => {
    const named = name.match(/%[a-z]/g)?.length ?? 0;
    for (const entry of table) {
      const row: unknown[] = Array.isArray(entry) ? entry : [entry];
      test(format(name, ...row.slice(0, named)), () => run(...row));
    }
  };
