import type { Database, Statement } from "better-sqlite3";
import { LedgerError } from "../../errors.ts";
import { orClose, untilNotBusy } from "../../sqlite/busy.ts";
import { fromFailure, serve, type ThreadSettings } from "../../sqlite/thread-loop.ts";
import { type BatchWriter, batchWriter } from "./append.ts";
import { fileAt, openForWriting } from "./connection.ts";
import type { Cell, Writer } from "./wire.ts";

/** The thread that writes: it alone waits for the file's lock and for the disk. */

interface Connection {
  readonly database: Database;
  readonly batches: BatchWriter;
  readonly begin: Statement;
  readonly commit: Statement;
}

function sqliteWriter({ path, lockTimeoutMs }: ThreadSettings): Writer {
  let connection: Connection | undefined;
  /** The file this store is about, whatever stands at the path later. */
  let ours: number | undefined;

  function connect(): Connection {
    const database = openForWriting(path);
    connection = orClose(database, () => ({
      database,
      batches: batchWriter(database),
      begin: database.prepare("BEGIN IMMEDIATE"),
      commit: database.prepare("COMMIT"),
    }));
    return connection;
  }

  function close(): void {
    connection?.database.close();
    connection = undefined;
  }

  /**
   * The connection, to the file that stands at the path: a commit to one that was removed would be on disk and lost.
   * @throws {LedgerError} STORE_UNAVAILABLE
   */
  function connected(): Connection {
    if (ours !== undefined && fileAt(path) !== ours) {
      const message = `the ledger "${path}" was removed or replaced while it was open: close it and open it again`;
      throw new LedgerError("STORE_UNAVAILABLE", message, { path });
    }
    const current = connection ?? untilNotBusy(connect, lockTimeoutMs);
    ours ??= fileAt(path);
    return current;
  }

  function inTransaction<Answer>(write: (batches: BatchWriter) => Answer): Answer {
    const { batches, begin, commit } = connected();
    untilNotBusy(() => begin.run(), lockTimeoutMs);
    try {
      const answer = write(batches);
      commit.run();
      return answer;
    } catch (error) {
      close(); // rolls back; a disk that failed once must not be trusted to remember what it was told
      throw error;
    }
  }

  return {
    prepare() {
      connected();
    },
    commit: (calls) => inTransaction((batches) => batches.write(calls)),
    commitWhole: (calls) =>
      inTransaction((batches) => {
        const [first] = batches.write(calls).failures;
        if (first) throw fromFailure(first[1]);
      }),
    pragmas() {
      const { database } = connected();
      const names = ["journal_mode", "synchronous", "page_size", "wal_autocheckpoint", "busy_timeout"];
      return Object.fromEntries(names.map((name) => [name, database.pragma(name, { simple: true }) as Cell]));
    },
    close,
  };
}

serve(sqliteWriter);
