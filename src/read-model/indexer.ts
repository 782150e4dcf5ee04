import Database from "better-sqlite3";
import { orClose, untilNotBusy } from "../sqlite/busy.ts";
import { serve, type ThreadSettings } from "../sqlite/thread-loop.ts";
import { active } from "./active.ts";
import { intake, type Progress } from "./intake.ts";
import { dropOlderTables, prepareTables, refuseForeign, resetTables, table, VERSION } from "./schema.ts";
import { search } from "./search.ts";
import { type Answer, type Checkpoint, type Indexer, rowText } from "./wire.ts";

/** The thread of a read model: it alone touches the tables, and nobody waits for it but who asked. */

interface Row extends Checkpoint, Progress {
  readonly isComplete: number;
}

const PROJECT_COLUMNS = ["id", "name", "task", "models", "retired", "deployments", "revision", "recordedAt"];

function connect(path: string) {
  const database = new Database(path, { timeout: 0 });
  return orClose(database, () => {
    refuseForeign(database); // before anything is changed
    // A commit may be lost at a power cut, never half of one: it is read from the log again.
    database.pragma("journal_mode = WAL");
    database.pragma("synchronous = NORMAL");
    database.pragma("cache_size = -16384"); // KiB; more makes no search faster, and the process grow with the log
    prepareTables(database);
    return {
      database,
      intake: intake(database),
      search: search(database),
      active: active(database),
      begin: database.prepare("BEGIN IMMEDIATE"),
      beginRead: database.prepare("BEGIN"),
      commit: database.prepare("COMMIT"),
      rollback: database.prepare("ROLLBACK"),
      dataVersion: database.prepare<[], number>("PRAGMA data_version").pluck(),
      checkpoint: database.prepare<[number], Row>(
        "SELECT ledger, position, stream, revision, event, latestAt, skewMs, isComplete FROM read_models WHERE version = ?",
      ),
      saveCheckpoint: database.prepare(
        `INSERT INTO read_models VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0) ON CONFLICT (version) DO UPDATE SET
         position = excluded.position, stream = excluded.stream, revision = excluded.revision, event = excluded.event,
         latestAt = excluded.latestAt, skewMs = excluded.skewMs`,
      ),
      projects: database
        .prepare<[number, number], string>(
          `SELECT ${rowText(PROJECT_COLUMNS, ["policy"])} FROM ${table("projects")} WHERE id > ? ORDER BY id LIMIT ?`,
        )
        .pluck(),
    };
  });
}
type Connection = ReturnType<typeof connect>;

const checkpointOf = ({ ledger, position, stream, revision, event }: Row): Checkpoint => ({
  ...{ ledger, position, stream, revision, event },
});

function sqliteIndexer({ path, lockTimeoutMs }: ThreadSettings): Indexer {
  let connection: Connection | undefined;
  let knownDataVersion: number | undefined;

  function connected(): Connection {
    connection ??= untilNotBusy(() => connect(path), lockTimeoutMs);
    return connection;
  }

  function close(): void {
    connection?.database.close();
    connection = undefined;
    knownDataVersion = undefined;
  }

  /** All that `work` does, or nothing of it. */
  function writing<Result>(work: (connection: Connection) => Result): Result {
    const open = connected();
    untilNotBusy(() => open.begin.run(), lockTimeoutMs);
    try {
      const version = open.dataVersion.get();
      if (version !== knownDataVersion) open.intake.forget();
      knownDataVersion = version;
      const result = work(open);
      open.commit.run();
      return result;
    } catch (error) {
      close(); // rolls back, and nothing that was remembered of it is left
      throw error;
    }
  }

  /** What `query` answers on one state of the tables; undefined when that is not at the checkpoint or beyond it. */
  function reading(at: Checkpoint, query: (connection: Connection, row: Row) => readonly string[]): Answer {
    const open = connected();
    return untilNotBusy(() => {
      open.beginRead.run();
      try {
        const row = open.checkpoint.get(VERSION);
        if (row === undefined || row.ledger !== at.ledger || row.position < at.position) return undefined;
        return query(open, row);
      } finally {
        open.rollback.run();
      }
    }, lockTimeoutMs);
  }

  return {
    open() {
      const row = untilNotBusy(() => connected().checkpoint.get(VERSION), lockTimeoutMs);
      return row && checkpointOf(row);
    },
    take(ledger, from, events) {
      return writing(({ checkpoint, saveCheckpoint, intake: into }) => {
        const row = checkpoint.get(VERSION);
        if (row?.position !== from || (row !== undefined && row.ledger !== ledger)) return row && checkpointOf(row);
        const progress: Progress = { latestAt: row?.latestAt ?? "", skewMs: row?.skewMs ?? 0 };
        const { position, stream, revision, event } = into.take(ledger, events, progress);
        const { latestAt, skewMs } = progress;
        saveCheckpoint.run(VERSION, ledger, position, stream, revision, event, latestAt, skewMs);
        return { ledger, position, stream, revision, event };
      });
    },
    complete() {
      writing(({ database, checkpoint }) => {
        if (checkpoint.get(VERSION)?.isComplete !== 0) return;
        dropOlderTables(database);
        database.prepare("UPDATE read_models SET isComplete = 1 WHERE version = ?").run(VERSION);
      });
    },
    reset(found) {
      writing(({ database, checkpoint, intake: into }) => {
        const row = checkpoint.get(VERSION);
        if (row === undefined || row.event !== found.event || row.position !== found.position) return;
        resetTables(database);
        into.forget();
      });
      close(); // statements of the tables that were dropped
    },
    search: (at, request) => reading(at, ({ search: by }, { skewMs }) => by.search(request, skewMs)),
    projects: (at, after, limit) => reading(at, ({ projects }) => projects.all(after, limit)),
    active: (at, request) => reading(at, ({ active: by }, row) => by.active(request, row)),
    close,
  };
}

serve(sqliteIndexer);
