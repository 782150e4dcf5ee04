import { LedgerError } from "../errors.ts";
import { streamOf } from "../events/names.ts";
import { parseIJson } from "../events/parse-json.ts";
import type { EventStore, StoredEvent } from "../store/event-store.ts";

/**
 * The form of an export: NDJSON, an event a line in the order of the log, with the fields of {@link StoredEvent}. `data`
 * and `metadata` are the JSON that is stored, so that the chains can be recomputed from the lines alone.
 */

/** An event as an export has it, `data` and `metadata` as JSON text again. */
export interface ExportedEvent extends StoredEvent {
  /** 1 for the first. */
  readonly line: number;
  /** Of its metadata: events of one command were appended together. */
  readonly commandId: unknown;
}

interface ExportOptions {
  readonly project?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * The lines of an export, without their line feeds, a page of events in memory at a time.
 * @throws {LedgerError} PROJECT_NOT_FOUND; CORRUPT at an event that is no JSON, or says a name twice.
 */
export async function* exportLines(store: EventStore, { project, signal }: ExportOptions): AsyncGenerator<string> {
  const options = signal ? { signal } : {};
  const events = project === undefined ? store.readAll(options) : store.readStream(streamOf(project), options);
  let isEmpty = true;
  for await (const event of events) {
    isEmpty = false;
    yield lineOf(event);
  }
  if (isEmpty && project !== undefined) {
    throw new LedgerError("PROJECT_NOT_FOUND", `there is no project "${project}"`, { project });
  }
}

function lineOf({ stream, revision, position, id, type, data, metadata }: StoredEvent): string {
  try {
    const place = JSON.stringify({ stream, revision: String(revision), position, id, type });
    return `${place.slice(0, -1)},"data":${inALine(data)},"metadata":${inALine(metadata)}}`;
  } catch (cause) {
    throw new LedgerError(
      "CORRUPT",
      `event ${revision} of ${stream} is not JSON, or says a name twice, so it cannot be exported: run verify, then restore it from a backup`,
      { stream, revision: String(revision) },
      { cause },
    );
  }
}

/** The JSON text as it is, unless it is written over several lines. */
function inALine(json: string): string {
  const value: unknown = parseIJson(json);
  return /[\r\n]/.test(json) ? JSON.stringify(value) : json;
}

/**
 * Reads the lines of an export.
 * @throws {LedgerError} CORRUPT at a line that is no event; its `details.line` says which.
 */
export async function* exportedEvents(lines: AsyncIterable<string> | Iterable<string>): AsyncGenerator<ExportedEvent> {
  let line = 0;
  let before = "";
  for await (const text of lines) {
    line += 1;
    const event = exportedEvent(text, line);
    if (event.position <= before) {
      const why = `its position ${event.position} does not come after ${before}, that of the line before`;
      throw brokenLine({ ...event, why });
    }
    before = event.position;
    yield event;
  }
}

const NO_JSON = "it is not JSON, or says a name twice";

function exportedEvent(text: string, line: number): ExportedEvent {
  if (text === "") throw notAnEvent(line, "it is empty");
  let value: unknown;
  try {
    value = parseIJson(text);
  } catch (cause) {
    throw notAnEvent(line, NO_JSON, cause);
  }
  if (!isObject(value)) throw notAnEvent(line, "it is not a JSON object");
  const { stream, revision, position, id, type, data, metadata } = value;
  if (!(isText(stream) && isText(position) && isText(id) && isText(type))) {
    throw notAnEvent(line, "its stream, position, id or type is missing or no text");
  }
  if (!isText(revision) || !/^(0|[1-9]\d{0,18})$/.test(revision)) throw notAnEvent(line, "its revision is no number");
  if (!(isObject(data) && isObject(metadata))) throw notAnEvent(line, "its data or metadata is no JSON object");
  return {
    stream,
    revision: BigInt(revision),
    position,
    id,
    type,
    data: JSON.stringify(data),
    metadata: JSON.stringify(metadata),
    line,
    commandId: metadata.commandId,
  };
}

const isText = (value: unknown): value is string => typeof value === "string" && value !== "";

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function notAnEvent(line: number, why: string, cause?: unknown): LedgerError {
  const message = `line ${line} of the export is no event of a ledger: ${why}`;
  return new LedgerError("CORRUPT", message, { line, why }, { cause });
}

/** An event of an export that does not follow from those before it. */
export function brokenLine(broken: Pick<ExportedEvent, "line" | "stream" | "revision"> & { readonly why: string }) {
  const { line, stream, revision, why } = broken;
  const message = `line ${line} of the export, event ${revision} of ${stream}, is not what was recorded: ${why}`;
  return new LedgerError("CORRUPT", message, { line, stream, revision: String(revision), why });
}
