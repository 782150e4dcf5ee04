import { LedgerError } from "../errors.ts";
import { EVENT_SCHEMAS, type EventMetadata, Metadata, type RecordedEvent } from "./events.ts";
import { parseJson } from "./parse-json.ts";
import { upcast } from "./upcast.ts";

/** What a store gives back, whatever its kind: JSON text and its place in the log. */
interface Stored {
  readonly id: string;
  readonly type: string;
  readonly data: string;
  readonly metadata: string;
  readonly stream: string;
  readonly revision: bigint;
  readonly position: string;
}

/**
 * Reads a stored event: tolerant of fields and types that this version does not know, and old versions are upcast.
 * @throws {LedgerError} CORRUPT when the stored text is not JSON.
 */
export function recorded(stored: Stored): RecordedEvent {
  const { id, type, stream, revision, position } = stored;
  const data = parsed(stored, "data");
  const metadata = parsed(stored, "metadata") as EventMetadata;
  const { recordedAt, schemaVersion } = metadata;
  const known = upcast(type, data, schemaVersion);
  return { type, data: known, id, metadata, stream, revision, position, recordedAt } as RecordedEvent;
}

/** Whether an event is as its schema has it, which costs too much to be asked of each. Of a type not known here it is. */
export const isWhole = ({ type, data, metadata }: RecordedEvent): boolean =>
  Metadata.safeParse(metadata).success && (EVENT_SCHEMAS[type]?.safeParse(data).success ?? true);

function parsed(stored: Stored, part: "data" | "metadata"): object {
  let value: unknown;
  try {
    value = parseJson(stored[part]);
  } catch (cause) {
    throw corrupt(stored, part, cause);
  }
  if (typeof value !== "object" || value === null) throw corrupt(stored, part);
  return value;
}

const corrupt = (stored: Stored, part: string, cause?: unknown): LedgerError =>
  damaged(stored, `the ${part} of event ${stored.revision} in ${stored.stream} is not a JSON object`, cause);

/** CORRUPT, for what stands at a place of the log and no ledger wrote there. */
export function damaged(
  { stream, revision }: Pick<Stored, "stream" | "revision">,
  what: string,
  cause?: unknown,
): LedgerError {
  return new LedgerError(
    "CORRUPT",
    `${what}: the log was damaged; run verify, then restore it from a backup`,
    { stream, revision: String(revision) },
    { cause },
  );
}
