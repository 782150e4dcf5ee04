import type Database from "better-sqlite3";
import { isBusy } from "./errors.ts";

const sleeper = new Int32Array(new SharedArrayBuffer(4));

/** Blocks the thread, so never the main one. */
export function sleep(durationMs: number): void {
  Atomics.wait(sleeper, 0, 0, durationMs);
}

/**
 * Does `work` again until no other process is in the way. The pauses are short and random: whoever waits is as likely
 * to be next as whoever comes. (Chance may stay here: no rule of the ledger depends on it.)
 * @throws what `work` throws otherwise, or when the file is still locked after `timeoutMs`.
 */
export function untilNotBusy<Result>(work: () => Result, timeoutMs: number): Result {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    try {
      return work();
    } catch (error) {
      if (!isBusy(error) || performance.now() > deadline) throw error;
      sleep(0.2 + 1.3 * Math.random());
    }
  }
}

/** What `prepare` makes of a connection; should it fail, the connection is closed. */
export function orClose<Result>(database: Database.Database, prepare: () => Result): Result {
  try {
    return prepare();
  } catch (error) {
    database.close();
    throw error;
  }
}
