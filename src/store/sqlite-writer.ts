import type { Database } from "better-sqlite3";
import { type BatchWriter, batchWriter } from "./sqlite-append.ts";
import { openForWriting, untilNotBusy } from "./sqlite-connection.ts";
import { serve, threadData } from "./sqlite-thread-loop.ts";
import type { BatchAnswer, Cell, Writer } from "./sqlite-wire.ts";

/** The thread that writes: it alone waits for the file's lock and for the disk. */

interface Connection {
  readonly database: Database;
  readonly batches: BatchWriter;
  readonly begin: () => void;
  readonly commit: () => void;
}

const { path, lockTimeoutMs } = threadData();
let connection: Connection | undefined;

function connect(): Connection {
  const database = openForWriting(path, lockTimeoutMs);
  const begin = database.prepare("BEGIN IMMEDIATE");
  const commit = database.prepare("COMMIT");
  connection = {
    database,
    batches: batchWriter(database),
    begin: () => untilNotBusy(() => begin.run(), lockTimeoutMs),
    commit: () => commit.run(),
  };
  return connection;
}

function disconnect(): void {
  connection?.database.close();
  connection = undefined;
}

function commit(calls: readonly Cell[]): BatchAnswer {
  const { batches, begin, commit } = connection ?? connect();
  begin();
  try {
    const answer = batches.write(calls);
    commit();
    return answer;
  } catch (error) {
    disconnect(); // rolls back; a disk that failed once must not be trusted to remember what it was told
    throw error;
  }
}

function pragmas(): Readonly<Record<string, Cell>> {
  const { database } = connection ?? connect();
  const names = ["journal_mode", "synchronous", "page_size", "wal_autocheckpoint", "busy_timeout"];
  return Object.fromEntries(names.map((name) => [name, database.pragma(name, { simple: true }) as Cell]));
}

serve({
  prepare() {
    if (!connection) connect();
  },
  commit,
  pragmas,
} satisfies Writer);
disconnect();
