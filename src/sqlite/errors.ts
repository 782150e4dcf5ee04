import Database from "better-sqlite3";
import { LedgerError, type LedgerErrorCode } from "../errors.ts";

/** What SQLite says and what it means for a ledger: a code and the end of the sentence `the ledger "<path>" …`. */
const MEANINGS: readonly (readonly [prefix: string, code: LedgerErrorCode, story: string])[] = [
  ["SQLITE_NOTADB", "CORRUPT", "is no SQLite database"],
  ["SQLITE_CORRUPT", "CORRUPT", "is damaged: restore it from a copy"],
  ["SQLITE_BUSY", "STORE_UNAVAILABLE", "is locked by another process"],
  ["SQLITE_LOCKED", "STORE_UNAVAILABLE", "is locked by another process"],
  ["SQLITE_PROTOCOL", "STORE_UNAVAILABLE", "is locked by another process"],
  ["SQLITE_FULL", "STORE_UNAVAILABLE", "cannot grow: the disk is full"],
  [
    "SQLITE_READONLY_DIRECTORY",
    "STORE_UNAVAILABLE",
    "cannot be opened: SQLite must write beside it and its directory is read-only; copy the file elsewhere",
  ],
  ["SQLITE_READONLY", "STORE_UNAVAILABLE", "cannot be written: the file is read-only"],
  [
    "SQLITE_CANTOPEN",
    "STORE_UNAVAILABLE",
    "cannot be opened: is it a file, and may this user read it and its directory?",
  ],
  ["SQLITE_PERM", "STORE_UNAVAILABLE", "cannot be opened: this user may not"],
  ["SQLITE_IOERR", "STORE_UNAVAILABLE", "cannot be read or written: the disk failed"],
];

const BUSY_CODES = ["SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_PROTOCOL"];

/** Somebody else holds a lock that this connection needs; trying again may succeed. */
export const isBusy = (error: unknown): boolean =>
  error instanceof Database.SqliteError && BUSY_CODES.some((code) => error.code.startsWith(code));

/** A row with this id, or with this stream and revision, is there already. */
export const isTaken = (error: unknown): boolean =>
  error instanceof Database.SqliteError && error.code === "SQLITE_CONSTRAINT_UNIQUE";

/** Translates whatever the driver throws; the one place that does. */
export function toLedgerError(error: unknown, path: string): LedgerError {
  if (error instanceof LedgerError) return error;
  if (!(error instanceof Database.SqliteError)) {
    const why = error instanceof Error ? error.message : String(error);
    return new LedgerError("STORE_UNAVAILABLE", `the ledger "${path}" failed: ${why}`, { path }, { cause: error });
  }
  const [, code, story] = MEANINGS.find(([prefix]) => error.code.startsWith(prefix)) ?? [
    "",
    "STORE_UNAVAILABLE" as const,
    "failed",
  ];
  const message = `the ledger "${path}" ${story} (${error.code}: ${error.message})`;
  return new LedgerError(code, message, { path, sqlite: error.code }, { cause: error });
}
