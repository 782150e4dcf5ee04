import type { Database, Statement } from "better-sqlite3";
import { orClose, untilNotBusy } from "../../sqlite/busy.ts";
import { serve, type ThreadSettings } from "../../sqlite/thread-loop.ts";
import { openForReading } from "./connection.ts";
import { type Cell, type KeptRow, NO_EVENTS, type Page, type Reader } from "./wire.ts";

/** The thread that reads: nobody who reads waits for a commit, and the main thread never waits for the disk. */

/** A page ends at the event that reaches this many UTF-16 units. */
const MAX_PAGE_LENGTH = 1024 * 1024;
const COLUMNS = "position, stream, revision, id, type, data, metadata";

type Row = readonly Cell[];
type Scan<Parameters extends unknown[]> = Statement<Parameters, Row>;

interface Connection {
  readonly database: Database;
  readonly streamForwards: Scan<[string, number, number]>;
  readonly streamBackwards: Scan<[string, number, number]>;
  readonly logForwards: Scan<[number, number]>;
  readonly logBackwards: Scan<[number, number]>;
  readonly byId: Scan<[string]>;
  readonly lastRevisionUpTo: Statement<[string, number], number>;
  readonly last: Statement<[], number | null>;
  readonly kept: Statement<[string], KeptRow>;
}

function connect(path: string): Connection | undefined {
  const database = openForReading(path);
  if (!database) return undefined;
  const scan = <Parameters extends unknown[]>(condition: string): Scan<Parameters> =>
    database.prepare<Parameters, Row>(`SELECT ${COLUMNS} FROM events WHERE ${condition}`).raw() as Scan<Parameters>;
  const pluck = <Parameters extends unknown[], Value>(query: string): Statement<Parameters, Value> =>
    database.prepare<Parameters, Value>(query).pluck() as Statement<Parameters, Value>;
  return orClose(database, () => ({
    database,
    streamForwards: scan("stream = ? AND revision >= ? ORDER BY revision LIMIT ?"),
    streamBackwards: scan("stream = ? AND revision <= ? ORDER BY revision DESC LIMIT ?"),
    logForwards: scan("position > ? ORDER BY position LIMIT ?"),
    logBackwards: scan("position < ? ORDER BY position DESC LIMIT ?"),
    byId: scan("id = ?"),
    lastRevisionUpTo: pluck(
      "SELECT revision FROM events WHERE stream = ? AND position <= ? ORDER BY revision DESC LIMIT 1",
    ),
    last: pluck("SELECT max(position) FROM events"),
    kept: database.prepare("SELECT CAST(value AS BLOB) AS value, revision FROM kept WHERE name = ?"),
  }));
}

function page(rows: Iterable<Row>, maxEvents: number): Page {
  const cells: Cell[] = [];
  let events = 0;
  let length = 0;
  for (const row of rows) {
    for (const cell of row) {
      cells.push(cell);
      if (typeof cell === "string") length += cell.length;
    }
    events += 1;
    if (length >= MAX_PAGE_LENGTH) return { cells, isLast: false };
  }
  return { cells, isLast: events < maxEvents };
}

function sqliteReader({ path, lockTimeoutMs }: ThreadSettings): Reader {
  let connection: Connection | undefined;

  /** Reads when no process is in the way; `none` when there is no ledger to read. */
  function read<Result>(query: (connection: Connection) => Result, none: Result): Result {
    return untilNotBusy(() => {
      connection ??= connect(path);
      return connection ? query(connection) : none;
    }, lockTimeoutMs);
  }

  return {
    isReady: () => read(() => true, false),
    readStream: ({ stream, from, backwards, maxEvents }) =>
      read(({ streamForwards, streamBackwards }) => {
        const scan = backwards ? streamBackwards : streamForwards;
        return page(scan.iterate(stream, from, maxEvents), maxEvents);
      }, NO_EVENTS),
    readAll: ({ after, backwards, maxEvents }) =>
      read(({ logForwards, logBackwards }) => {
        const scan = backwards ? logBackwards : logForwards;
        return page(scan.iterate(after, maxEvents), maxEvents);
      }, NO_EVENTS),
    findEvent: (id) => read(({ byId }) => page(byId.iterate(id), 2), NO_EVENTS),
    firstRevisionAfter: (stream, position) =>
      position === 0 ? 0 : read(({ lastRevisionUpTo }) => (lastRevisionUpTo.get(stream, position) ?? -1) + 1, 0),
    lastPosition: () => read(({ last }) => last.get() ?? 0, 0),
    kept: (name) => read(({ kept }) => kept.get(name), undefined),
    close() {
      connection?.database.close();
      connection = undefined;
    },
  };
}

serve(sqliteReader);
