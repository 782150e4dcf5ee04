import { LedgerError } from "../errors.ts";
import type { Appended, ExpectedKept, ExpectedRevision, NewEvent } from "./event-store.ts";

/** The rules of an append that no store can see differently: what is refused at the door, what is a repeat. */

/** One append may carry this many bytes of UTF-8, names and ids included. */
const MAX_APPEND_BYTES = 1024 * 1024;

/** Where an event with a certain id is. */
export interface TakenId {
  readonly stream: string;
  readonly revision: bigint;
  readonly position: string;
}

const invalid = (message: string, details: Readonly<Record<string, unknown>> = {}): LedgerError =>
  new LedgerError("INVALID_INPUT", message, details);

/** @throws {LedgerError} INVALID_INPUT for text that would not come back as it is. */
export function checkText(what: string, text: string): void {
  if (text === "") throw invalid(`${what} must not be empty`);
  if (!text.isWellFormed()) throw invalid(`${what} must be well-formed Unicode: it holds half of a surrogate pair`);
  if (text.includes("\0")) throw invalid(`${what} must not contain U+0000`);
}

const MAX_UTF8_BYTES_A_UNIT = 3;

function utf16Length(stream: string, events: readonly NewEvent[]): number {
  let length = stream.length;
  for (const event of events) length += event.id.length + event.type.length + event.data.length + event.metadata.length;
  return length;
}

function utf8Length(stream: string, events: readonly NewEvent[]): number {
  return Buffer.byteLength(
    stream + events.map((event) => event.id + event.type + event.data + event.metadata).join(""),
  );
}

/**
 * Gives the size of an append, at least its length in UTF-16 units.
 * @throws {LedgerError} INVALID_INPUT; TOO_LARGE for more than 1 MiB.
 */
export function checkAppend(stream: string, events: readonly NewEvent[], expected: ExpectedRevision): number {
  if (events.length === 0) throw invalid("an append needs at least one event");
  if (expected !== "no_stream" && expected < 0n) throw invalid(`a revision is 0 or more, not ${expected}`);
  checkText("a stream's name", stream);
  const ids = events.length > 1 ? new Set<string>() : undefined;
  for (const event of events) {
    checkText("an event's id", event.id);
    checkText("an event's type", event.type);
    checkText("an event's data", event.data);
    checkText("an event's metadata", event.metadata);
    if (ids?.has(event.id)) throw invalid(`two events of one append have the id ${event.id}`, { id: event.id });
    ids?.add(event.id);
  }
  const length = utf16Length(stream, events);
  if (length * MAX_UTF8_BYTES_A_UNIT <= MAX_APPEND_BYTES) return length;
  const bytes = utf8Length(stream, events);
  if (bytes > MAX_APPEND_BYTES) {
    throw new LedgerError(
      "TOO_LARGE",
      `an append of ${bytes} bytes to "${stream}" is more than the ${MAX_APPEND_BYTES} that a store takes`,
      { stream, bytes, maxBytes: MAX_APPEND_BYTES },
    );
  }
  return bytes;
}

/** @throws {LedgerError} INVALID_INPUT unless `name` has 1–400 characters, all of them printable. */
export function checkKeptName(name: string): void {
  if (name === "" || name.length > 400 || !name.isWellFormed() || /\p{Cc}/u.test(name)) {
    throw invalid("what is kept needs a name of 1 to 400 printable characters", { name });
  }
}

/** @throws {LedgerError} INVALID_INPUT for what no store keeps. */
export function checkKeep(name: string, value: string, expected: ExpectedKept | undefined): void {
  checkKeptName(name);
  checkText("what is kept", value);
  if (expected !== "none") checkRevision(expected);
}

const keptAt = (revision: ExpectedKept): string => (revision === "none" ? "not there" : `at revision ${revision}`);

/** What a `keep` is told whose `expected` does not hold. */
export const staleKeep = (name: string, expected: ExpectedKept, actual: ExpectedKept): LedgerError =>
  new LedgerError(
    "CONFLICT",
    `the kept value "${name}" is ${keptAt(actual)}, it was expected ${keptAt(expected)}: somebody kept another first`,
    { name, expected: String(expected), actual: String(actual) },
  );

/** @throws {LedgerError} INVALID_INPUT unless it is absent or a whole number, 1 or more. */
export function checkMaxCount(maxCount: number | undefined): void {
  if (maxCount !== undefined && !(Number.isSafeInteger(maxCount) && maxCount >= 1)) {
    throw invalid(`maxCount must be a whole number of 1 or more, not ${maxCount}`);
  }
}

/** @throws {LedgerError} INVALID_INPUT for a negative revision. */
export function checkRevision(revision: bigint | undefined): void {
  if (revision !== undefined && revision < 0n) throw invalid(`a revision is 0 or more, not ${revision}`);
}

/** The revision a stream is at, in the words of {@link ExpectedRevision}. */
export const revisionInWords = (revision: bigint): ExpectedRevision => (revision < 0n ? "no_stream" : revision);

const atRevision = (revision: ExpectedRevision): string =>
  revision === "no_stream" ? "does not exist" : `is at revision ${revision}`;

function staleRevision(stream: string, expected: ExpectedRevision, actual: ExpectedRevision): LedgerError {
  const wanted = expected === "no_stream" ? "was expected not to" : `was expected at ${expected}`;
  return new LedgerError(
    "CONFLICT",
    `stream "${stream}" ${atRevision(actual)}, it ${wanted}: somebody appended first`,
    {
      stream,
      expected: String(expected),
      actual: String(actual),
    },
  );
}

function takenId(id: string, at: TakenId, stream: string, actual: ExpectedRevision): LedgerError {
  return new LedgerError("CONFLICT", `the id ${id} is taken by event ${at.revision} of stream "${at.stream}"`, {
    stream,
    actual: String(actual),
    id,
    takenBy: { stream: at.stream, revision: String(at.revision) },
  });
}

/**
 * Settles an append that cannot simply be written: the first result when all its ids stand in the stream right after
 * `expected`, in order.
 * @throws {LedgerError} CONFLICT otherwise.
 */
export function repeatOrConflict(
  {
    stream,
    ids,
    expected,
  }: { readonly stream: string; readonly ids: readonly string[]; readonly expected: ExpectedRevision },
  actual: ExpectedRevision,
  find: (id: string) => TakenId | undefined,
): Appended {
  const first = expected === "no_stream" ? 0n : expected + 1n;
  const found = ids.map(find);
  const last = found.at(-1);
  if (last && found.every((at, index) => at?.stream === stream && at.revision === first + BigInt(index))) {
    return { revision: last.revision, position: last.position };
  }
  if (actual !== expected) throw staleRevision(stream, expected, actual);
  for (const [index, id] of ids.entries()) {
    const at = found[index];
    if (at) throw takenId(id, at, stream, actual);
  }
  throw staleRevision(stream, expected, actual);
}
