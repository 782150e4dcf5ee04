import type { Database } from "better-sqlite3";
import { table } from "./schema.ts";

/** Read at once, in some milliseconds. */
const CHUNK_ROWS = 16_384;
/** Some 64 MiB: beyond four million deployments the chunks that were read first are read again. */
const MAX_CHUNKS = 256;

const COLUMNS = ["model", "lane", "facet", "reason"] as const;
export type Column = (typeof COLUMNS)[number];
type Chunk = Readonly<Record<Column, Int32Array>> & { filled: number };

/** Which numbers of a column fit. No number is 0: that stands for no reason. */
export interface Fit {
  readonly column: Column;
  readonly has: (id: number) => boolean;
}

/** What deployments are searched by, in memory, as far as it was looked at. */
export interface Columns {
  /** Every `seq` of the stretch whose numbers all fit, in the order asked for. */
  scan(first: number, last: number, descending: boolean, fits: readonly Fit[]): Iterable<number>;
}

/** A search that no index narrows looks at every row, and a row costs some nanoseconds here, microseconds in a table. */
export function columns(database: Database): Columns {
  const rows = database
    .prepare<[number, number], (number | null)[]>(
      `SELECT ${COLUMNS.join(", ")} FROM ${table("deployments")} WHERE seq BETWEEN ? AND ? ORDER BY seq`,
    )
    .raw();
  const schemaVersion = database.prepare<[], number>("PRAGMA schema_version").pluck();
  const chunks = new Map<number, Chunk>();
  let known: number | undefined;

  /** The chunk, filled up to `last` at least; rows are only ever added, until the tables are made anew. */
  function chunkAt(index: number, last: number): Chunk {
    const start = index * CHUNK_ROWS + 1;
    let chunk = chunks.get(index);
    if (chunk === undefined) {
      const column = () => new Int32Array(CHUNK_ROWS);
      chunk = { model: column(), lane: column(), facet: column(), reason: column(), filled: 0 };
      for (const oldest of chunks.size < MAX_CHUNKS ? [] : [...chunks.keys()].slice(0, 1)) chunks.delete(oldest);
      chunks.set(index, chunk);
    }
    const end = Math.min(last, start + CHUNK_ROWS - 1);
    if (start + chunk.filled > end) return chunk;
    for (const [model, lane, facet, reason] of rows.iterate(start + chunk.filled, end)) {
      const at = chunk.filled;
      chunk.model[at] = model ?? 0;
      chunk.lane[at] = lane ?? 0;
      chunk.facet[at] = facet ?? 0;
      chunk.reason[at] = reason ?? 0;
      chunk.filled += 1;
    }
    return chunk;
  }

  return {
    *scan(first, last, descending, fits) {
      const schema = schemaVersion.get();
      if (schema !== known) chunks.clear();
      known = schema;
      const indexOf = (seq: number) => Math.floor((seq - 1) / CHUNK_ROWS);
      const step = descending ? -1 : 1;
      const [begin, end] = descending ? [last, first] : [first, last];
      for (let index = indexOf(begin); index !== indexOf(end) + step; index += step) {
        const start = index * CHUNK_ROWS + 1;
        const chunk = chunkAt(index, last);
        const tests = fits.map(({ column, has }) => ({ ids: chunk[column], has }));
        const low = Math.max(first, start) - start;
        const high = Math.min(last, start + CHUNK_ROWS - 1) - start;
        for (let at = descending ? high : low; at >= low && at <= high; at += step) {
          let isFit = true;
          for (const { ids, has } of tests) {
            if (has(ids[at] ?? 0)) continue;
            isFit = false;
            break;
          }
          if (isFit) yield start + at;
        }
      }
    },
  };
}
