import type { Database } from "better-sqlite3";
import { table } from "./schema.ts";
import type { Cell } from "./wire.ts";

interface Numbered {
  readonly id: number;
  /** It was not there before. */
  readonly isNew: boolean;
}

/** Values that are kept once: a table in which each has a number, and how many deployments have it. */
export interface Numbering {
  /** The number of what has these keys; the other columns are filled in when it is new. */
  find(keys: readonly Cell[], others?: readonly Cell[]): Numbered;
  /** The same, for one more deployment. */
  count(keys: readonly Cell[], others?: readonly Cell[]): Numbered;
  /** Writes down what was counted. */
  save(): void;
  forget(): void;
}

const MAX_REMEMBERED = 50_000;

/** `filler`: what the columns after `keys` and `others` begin with, but for the count, which is the last one. */
export function numbering(
  database: Database,
  name: "models" | "series" | "facets" | "lanes" | "reasons",
  keys: readonly string[],
  others: readonly string[],
  filler: readonly Cell[],
): Numbering {
  const lookUp = database
    .prepare<Cell[], number>(`SELECT id FROM ${table(name)} WHERE ${keys.map((key) => `${key} = ?`).join(" AND ")}`)
    .pluck();
  const isCounted = name !== "series";
  const values = [...keys, ...others, ...filler, ...(isCounted ? [0] : [])].map(() => "?").join(", ");
  const insert = database.prepare(`INSERT INTO ${table(name)} VALUES (NULL, ${values})`);
  const add = isCounted
    ? database.prepare(`UPDATE ${table(name)} SET deployments = deployments + ? WHERE id = ?`)
    : undefined;
  const known = new Map<string, number>();
  const counts = new Map<number, number>();

  function find(given: readonly Cell[], more: readonly Cell[] = []): Numbered {
    const key = given.length === 1 ? String(given[0]) : given.join("\0");
    const remembered = known.get(key);
    if (remembered !== undefined) return { id: remembered, isNew: false };
    if (known.size > MAX_REMEMBERED) known.clear();
    const found = lookUp.get(...given);
    const id = found ?? Number(insert.run(...given, ...more, ...filler, ...(isCounted ? [0] : [])).lastInsertRowid);
    known.set(key, id);
    return { id, isNew: found === undefined };
  }

  return {
    find,
    count(given, more) {
      const numbered = find(given, more);
      counts.set(numbered.id, (counts.get(numbered.id) ?? 0) + 1);
      return numbered;
    },
    save() {
      for (const [id, count] of counts) add?.run(count, id);
      counts.clear();
    },
    forget() {
      known.clear();
      counts.clear();
    },
  };
}
