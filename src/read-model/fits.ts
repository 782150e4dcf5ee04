import type { Database } from "better-sqlite3";
import type { Column, Fit } from "./columns.ts";
import type { Cell } from "./wire.ts";

/** Numbers are asked about this many at a time. */
const BLOCK_IDS = 4_096;
const MAX_REMEMBERED = 16;

/** Too many numbers fit to name them: which do is found out where it matters, and remembered. */
export interface BroadFits {
  /** `sql` selects the numbers that fit; its condition ends with what bounds `id`, in two more cells. */
  fit(column: Column, id: string, sql: string, cells: readonly Cell[]): Fit;
  /** There are more numbers now. */
  forget(): void;
}

const [UNKNOWN, NO, YES] = [0, 1, 2];

export function broadFits(database: Database): BroadFits {
  const remembered = new Map<string, Fit>();

  function made(column: Column, sql: string, cells: readonly Cell[]): Fit {
    const block = database.prepare<Cell[], number>(sql).pluck();
    let flags = new Uint8Array(BLOCK_IDS);
    return {
      column,
      has(id) {
        if (id >= flags.length) {
          const more = new Uint8Array(Math.max(flags.length * 2, id + 1));
          more.set(flags);
          flags = more;
        }
        if (flags[id] === UNKNOWN) {
          const start = id - (id % BLOCK_IDS);
          const end = Math.min(start + BLOCK_IDS, flags.length) - 1;
          flags.fill(NO, start, end + 1);
          for (const found of block.iterate(...cells, start, end)) flags[found] = YES;
        }
        return flags[id] === YES;
      },
    };
  }

  return {
    fit(column, id, sql, cells) {
      const key = JSON.stringify([sql, cells]);
      const known = remembered.get(key) ?? made(column, `${sql} AND ${id} BETWEEN ? AND ?`, cells);
      if (remembered.size >= MAX_REMEMBERED) remembered.clear();
      remembered.set(key, known);
      return known;
    },
    forget: () => remembered.clear(),
  };
}

/** Of numbers that could be named. */
export function namedFit(column: Column, ids: ReadonlySet<number>): Fit {
  const flags = new Uint8Array(Math.max(0, ...ids) + 1);
  for (const id of ids) flags[id] = YES;
  return { column, has: (id) => flags[id] === YES };
}
