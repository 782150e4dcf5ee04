import type { Database, Statement } from "better-sqlite3";
import { type BatchWriter, batchWriter } from "./sqlite-append.ts";
import { openForWriting, orClose, untilNotBusy } from "./sqlite-connection.ts";
import { serve, threadData } from "./sqlite-thread-loop.ts";
import type { BatchAnswer, Cell, Writer } from "./sqlite-wire.ts";

/** The thread that writes: it alone waits for the file's lock and for the disk. */

interface Connection {
  readonly database: Database;
  readonly batches: BatchWriter;
  readonly begin: Statement;
  readonly commit: Statement;
}

const { path, lockTimeoutMs } = threadData();
let connection: Connection | undefined;

function connect(): Connection {
  if (connection) return connection;
  const database = openForWriting(path);
  connection = orClose(database, () => ({
    database,
    batches: batchWriter(database),
    begin: database.prepare("BEGIN IMMEDIATE"),
    commit: database.prepare("COMMIT"),
  }));
  return connection;
}

function disconnect(): void {
  connection?.database.close();
  connection = undefined;
}

const connected = (): Connection => untilNotBusy(connect, lockTimeoutMs);

function commit(calls: readonly Cell[]): BatchAnswer {
  const { batches, begin, commit } = connected();
  untilNotBusy(() => begin.run(), lockTimeoutMs);
  try {
    const answer = batches.write(calls);
    commit.run();
    return answer;
  } catch (error) {
    disconnect(); // rolls back; a disk that failed once must not be trusted to remember what it was told
    throw error;
  }
}

function pragmas(): Readonly<Record<string, Cell>> {
  const { database } = connected();
  const names = ["journal_mode", "synchronous", "page_size", "wal_autocheckpoint", "busy_timeout"];
  return Object.fromEntries(names.map((name) => [name, database.pragma(name, { simple: true }) as Cell]));
}

serve({
  prepare() {
    connected();
  },
  commit,
  pragmas,
} satisfies Writer);
disconnect();
