import { statSync } from "node:fs";
import { dirname } from "node:path";
import Database from "better-sqlite3";
import { LedgerError } from "../../errors.ts";
import { orClose } from "../../sqlite/busy.ts";
import { fileState, migrate, setPageSize } from "./schema.ts";

/** After so many pages of log (16 MiB) a commit also copies them into the database. */
const CHECKPOINT_PAGES = 2000;
/** What the log may keep of the disk once it has been copied. */
const MAX_IDLE_LOG_BYTES = 64 * 1024 * 1024;

/** Which file stands at the path just now; undefined when there is none. */
export const fileAt = (path: string): number | undefined => statSync(path, { throwIfNoEntry: false })?.ino;

/**
 * Whether there is a file.
 * @throws {LedgerError} STORE_UNAVAILABLE when there cannot be one.
 */
function isThere(path: string): boolean {
  const directory = dirname(path);
  const cannotOpen = (why: string): LedgerError =>
    new LedgerError("STORE_UNAVAILABLE", `cannot open the ledger "${path}": ${why}`, { path });
  if (!statSync(directory, { throwIfNoEntry: false })?.isDirectory()) {
    throw cannotOpen("its directory is not there");
  }
  const found = statSync(path, { throwIfNoEntry: false });
  if (found?.isDirectory()) throw cannotOpen("it is a directory");
  return found !== undefined;
}

/** What this connection copies from the log into the database survives a power cut. */
function makeDurable(database: Database.Database): void {
  database.pragma("synchronous = FULL");
  database.pragma("fullfsync = ON"); // macOS: fsync alone leaves it in the drive's cache
  database.pragma("checkpoint_fullfsync = ON");
}

/**
 * A connection that may write: the file is created or migrated first. Durable: WAL, and an fsync at each commit.
 * @throws that it is busy, among others: call it through {@link untilNotBusy}.
 */
export function openForWriting(path: string): Database.Database {
  isThere(path);
  const database = new Database(path, { timeout: 0 });
  return orClose(database, () => {
    const state = fileState(database); // before anything is changed: the file may be somebody else's
    if (state === "new") setPageSize(database);
    const mode = database.pragma("journal_mode = WAL", { simple: true });
    if (mode !== "wal") throw new Error(`its file system cannot hold a write-ahead log (journal mode ${mode})`);
    makeDurable(database);
    database.pragma(`wal_autocheckpoint = ${CHECKPOINT_PAGES}`);
    database.pragma(`journal_size_limit = ${MAX_IDLE_LOG_BYTES}`);
    if (state !== "current") migrate(database);
    // what a crashed process wrote but did not sync is visible again: sync it before anybody builds on it
    database.pragma("wal_checkpoint(PASSIVE)");
    return database;
  });
}

/**
 * A connection that only reads; `undefined` when there is no ledger yet: no file, or an empty one, or one of an older
 * schema. It is not opened as read-only where it need not be: the last connection of all takes the write-ahead log away,
 * if it may write.
 * @throws that it is busy, among others: call it through {@link untilNotBusy}.
 */
export function openForReading(path: string): Database.Database | undefined {
  if (!isThere(path)) return undefined;
  const database = new Database(path, { fileMustExist: true, timeout: 0 });
  return orClose(database, () => {
    database.pragma("query_only = ON");
    if (fileState(database) === "current") {
      makeDurable(database);
      return database;
    }
    database.close();
    return undefined;
  });
}
