import { LedgerError } from "../../errors.ts";
import type { Failure } from "../../sqlite/thread-loop.ts";
import type { Appended, ExpectedKept, ExpectedRevision, NewEvent, StoredEvent } from "../event-store.ts";
import { formatPosition } from "../position.ts";

/**
 * What the threads say to each other. Many calls travel as one flat array of text and numbers: to clone an object for
 * each event would cost more than to insert it.
 */
export type Cell = string | number;

/** What a batch came to: of each call the last revision and position, or in `failures` why not. */
export interface BatchAnswer {
  readonly numbers: readonly number[];
  readonly failures: readonly (readonly [call: number, failure: Failure])[];
}

/** Events in flat form, {@link EVENT_CELLS} cells each. */
export interface Page {
  readonly cells: readonly Cell[];
  /** There was nothing after these events when they were read. */
  readonly isLast: boolean;
}

export const NO_EVENTS: Page = { cells: [], isLast: true };

export interface StreamQuery {
  readonly stream: string;
  /** The first revision, this one included. */
  readonly from: number;
  readonly backwards: boolean;
  readonly maxEvents: number;
}

export interface LogQuery {
  /** Only events beyond this position. */
  readonly after: number;
  readonly backwards: boolean;
  readonly maxEvents: number;
}

export interface KeptRow {
  /** UTF-8, since bytes change threads without being copied, and a snapshot is millions of them. */
  readonly value: Uint8Array<ArrayBuffer>;
  readonly revision: number;
}

/** What the reading thread does. */
export type Reader = {
  /** Whether there is a ledger of the newest schema. */
  readonly isReady: () => boolean;
  readonly readStream: (query: StreamQuery) => Page;
  readonly readAll: (query: LogQuery) => Page;
  readonly findEvent: (id: string) => Page;
  /** The first revision of the stream that lies, or will lie, beyond the position. */
  readonly firstRevisionAfter: (stream: string, position: number) => number;
  /** The position of the last event; 0 when there is none. */
  readonly lastPosition: () => number;
  readonly kept: (name: string) => KeptRow | undefined;
  readonly close: () => void;
};

/** What the writing thread does. */
export type Writer = {
  /** Creates or migrates the file. */
  readonly prepare: () => void;
  /** Writes the calls of {@link writeAppend} and {@link writeKeep} in one transaction. */
  readonly commit: (calls: readonly Cell[]) => BatchAnswer;
  /** Writes them in one transaction if each of them can be written; else throws why the first of the others cannot. */
  readonly commitWhole: (calls: readonly Cell[]) => void;
  /** The settings of the connection that writes. */
  readonly pragmas: () => Readonly<Record<string, Cell>>;
  readonly close: () => void;
};

/** In place of the number of events: this call keeps a value. */
export const KEEP = 0;
const NO_STREAM = -1;
/** In place of the expected revision of what is kept. */
export const NONE = -1;
export const ANY = -2;

/** Revisions count from 0 in steps of 1: no stream gets further than this, which is exact as a number. */
const MAX_REVISION = BigInt(Number.MAX_SAFE_INTEGER);

export const revisionNumber = (revision: bigint): number => Number(revision > MAX_REVISION ? MAX_REVISION : revision);

export function writeAppend(
  cells: Cell[],
  stream: string,
  events: readonly NewEvent[],
  expected: ExpectedRevision,
): void {
  cells.push(events.length, stream, expected === "no_stream" ? NO_STREAM : revisionNumber(expected));
  for (const { id, type, data, metadata } of events) cells.push(id, type, data, metadata);
}

export function writeKeep(cells: Cell[], name: string, value: string, expected: ExpectedKept | undefined): void {
  const number = expected === undefined ? ANY : expected === "none" ? NONE : revisionNumber(expected);
  cells.push(KEEP, name, number, value);
}

export const appended = (revision: number, position: number): Appended => ({
  revision: BigInt(revision),
  position: formatPosition(position),
});

/** position, stream, revision, id, type, data, metadata */
export const EVENT_CELLS = 7;

/** Where the next page begins. */
export interface PageEnd {
  readonly position: number;
  readonly revision: number;
}

export const endOf = (cells: readonly Cell[]): PageEnd => ({
  position: cells.at(-EVENT_CELLS) as number,
  revision: cells.at(2 - EVENT_CELLS) as number,
});

/** @throws {LedgerError} CORRUPT for a row that no ledger has written; its `details.row` is where it stands. */
export function storedEvent(cells: readonly Cell[], at: number): StoredEvent {
  const revision = cells[at + 2];
  if (!Number.isSafeInteger(revision) || Number(revision) < 0) throw noEvent(cells, at);
  return {
    position: formatPosition(cells[at] as number),
    stream: cells[at + 1] as string,
    revision: BigInt(revision as number),
    id: cells[at + 3] as string,
    type: cells[at + 4] as string,
    data: cells[at + 5] as string,
    metadata: cells[at + 6] as string,
  };
}

function noEvent(cells: readonly Cell[], at: number): LedgerError {
  const [row, stream, revision] = cells.slice(at, at + 3).map(String);
  return new LedgerError(
    "CORRUPT",
    `row ${row} of the table events, in ${stream}, has the revision ${revision}, which no ledger gives: run verify, then restore it from a backup`,
    { row, stream, revision },
  );
}
