import type { Database } from "better-sqlite3";
import { LedgerError } from "../../errors.ts";
import { isTaken } from "../../sqlite/errors.ts";
import { type Failure, toFailure } from "../../sqlite/thread-loop.ts";
import { repeatOrConflict, revisionInWords, staleKeep, type TakenId } from "../append-rules.ts";
import type { Appended, ExpectedKept } from "../event-store.ts";
import { formatPosition } from "../position.ts";
import { ANY, type BatchAnswer, type Cell, KEEP, NONE } from "./wire.ts";

/** Heads remembered; then all are forgotten and looked up again (some MiB at most). */
const MAX_HEADS = 10_000;
const CELLS_BEFORE_EVENTS = 3;
const CELLS_AN_EVENT = 4;
const CELLS_A_KEEP = 4;

interface FoundId {
  readonly stream: string;
  readonly revision: number;
  readonly position: number;
}

/** Writes batches inside a transaction that the caller has begun and will commit. */
export interface BatchWriter {
  /** What it remembers of a batch that is then rolled back is wrong: make a new one. */
  write(calls: readonly Cell[]): BatchAnswer;
}

export function batchWriter(database: Database): BatchWriter {
  const insert = database.prepare(
    "INSERT INTO events (stream, revision, id, type, data, metadata) VALUES (?, ?, ?, ?, ?, ?)",
  );
  const lastRevision = database
    .prepare<[string], number | null>("SELECT max(revision) FROM events WHERE stream = ?")
    .pluck();
  const removeAfter = database.prepare("DELETE FROM events WHERE stream = ? AND revision > ?");
  const findId = database.prepare<[string], FoundId>("SELECT stream, revision, position FROM events WHERE id = ?");
  const keep = database.prepare(
    `INSERT INTO kept (name, value, revision) VALUES (?, ?, ?)
     ON CONFLICT (name) DO UPDATE SET value = excluded.value, revision = excluded.revision`,
  );
  const keptRevision = database.prepare<[string], number>("SELECT revision FROM kept WHERE name = ?").pluck();
  const dataVersion = database.prepare<[], number>("PRAGMA data_version").pluck();
  /** The last revision of streams, as long as nobody else writes to the file. Saves a third of an insert. */
  const heads = new Map<string, number>();
  let knownDataVersion: number | undefined;

  function forgetIfOthersWrote(): void {
    const version = dataVersion.get();
    if (version !== knownDataVersion || heads.size > MAX_HEADS) heads.clear();
    knownDataVersion = version;
  }

  function headOf(stream: string): number {
    const known = heads.get(stream);
    if (known !== undefined) return known;
    const revision = lastRevision.get(stream) ?? -1;
    heads.set(stream, revision);
    return revision;
  }

  function taken(id: string): TakenId | undefined {
    const at = findId.get(id);
    return at && { stream: at.stream, revision: BigInt(at.revision), position: formatPosition(at.position) };
  }

  /** The append whose cells begin at `at` cannot be written: gives the first result if it is a repeat. */
  function settle(calls: readonly Cell[], at: number): Appended {
    const count = calls[at] as number;
    const stream = calls[at + 1] as string;
    const ids = Array.from(
      { length: count },
      (_, index) => calls[at + CELLS_BEFORE_EVENTS + index * CELLS_AN_EVENT] as string,
    );
    const expected = revisionInWords(BigInt(calls[at + 2] as number));
    return repeatOrConflict({ stream, ids, expected }, revisionInWords(BigInt(headOf(stream))), taken);
  }

  /** The position of the last event written, or undefined when nothing was. */
  function insertAll(calls: readonly Cell[], at: number): number | undefined {
    const count = calls[at] as number;
    const stream = calls[at + 1] as string;
    const expected = calls[at + 2] as number;
    if (headOf(stream) !== expected) return undefined;
    let position = 0;
    try {
      for (let index = 0; index < count; index++) {
        const cell = at + CELLS_BEFORE_EVENTS + index * CELLS_AN_EVENT;
        const { lastInsertRowid } = insert.run(
          stream,
          expected + 1 + index,
          calls[cell],
          calls[cell + 1],
          calls[cell + 2],
          calls[cell + 3],
        );
        position = lastInsertRowid as number;
      }
    } catch (error) {
      if (!isTaken(error)) throw error;
      removeAfter.run(stream, expected); // what this append wrote before it failed; cheaper than a savepoint for each
      return undefined;
    }
    heads.set(stream, expected + count);
    return position;
  }

  /** Keeps the value whose cells begin at `at`, and gives its revision. */
  function keepValue(calls: readonly Cell[], at: number): number {
    const name = calls[at + 1] as string;
    const expected = calls[at + 2] as number;
    const actual = keptRevision.get(name) ?? NONE;
    if (expected !== ANY && expected !== actual) throw staleKeep(name, keptInWords(expected), keptInWords(actual));
    keep.run(name, calls[at + 3], actual + 1);
    return actual + 1;
  }

  function write(calls: readonly Cell[]): BatchAnswer {
    forgetIfOthersWrote();
    const numbers: number[] = [];
    const failures: [number, Failure][] = [];
    function answer(work: () => readonly [revision: number, position: number]): void {
      try {
        numbers.push(...work());
      } catch (error) {
        if (!(error instanceof LedgerError)) throw error;
        failures.push([numbers.length / 2, toFailure(error, database.name)]);
        numbers.push(0, 0);
      }
    }
    for (let at = 0; at < calls.length; ) {
      const count = calls[at] as number;
      if (count === KEEP) {
        answer(() => [keepValue(calls, at), 0]);
        at += CELLS_A_KEEP;
        continue;
      }
      const position = insertAll(calls, at);
      if (position !== undefined) {
        numbers.push((calls[at + 2] as number) + count, position);
      } else {
        answer(() => {
          const first = settle(calls, at);
          return [Number(first.revision), Number(first.position)];
        });
      }
      at += CELLS_BEFORE_EVENTS + count * CELLS_AN_EVENT;
    }
    return { numbers, failures };
  }

  return { write };
}

const keptInWords = (revision: number): ExpectedKept => (revision === NONE ? "none" : BigInt(revision));
