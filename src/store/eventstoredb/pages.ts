import type { ReadReq } from "@eventstore/db-client/generated/streams_pb.js";
import { refuseAborted } from "../../errors.ts";
import type { StoredEvent } from "../event-store.ts";
import type { Connection } from "./connection.ts";
import { type Recorded, recordedEvent } from "./wire.ts";

const FIRST_PAGE_EVENTS = 64;
const PAGE_GROWTH = 4;
const MAX_PAGE_EVENTS = 4_096;
/** A page ends at the event that reaches so many bytes. */
const MAX_PAGE_BYTES = 4 * 1024 * 1024;

export interface Page<Event> {
  readonly events: readonly Event[];
  /** There was nothing beyond these events when they were read. */
  readonly isLast: boolean;
}

/** Reads at most `maxEvents` in one call, which is over when the promise settles: a reader that rests holds nothing open. */
export async function readPage<Event>(
  connection: Connection,
  request: ReadReq,
  maxEvents: number,
  convert: (event: Recorded) => Event,
  signal?: AbortSignal,
): Promise<Page<Event>> {
  const events: Event[] = [];
  let bytes = 0;
  await connection.receive(request, {
    signal,
    onAnswer(answer) {
      const event = recordedEvent(answer);
      if (!event) return "more";
      events.push(convert(event));
      bytes += event.getData_asU8().length + event.getCustomMetadata_asU8().length;
      return bytes < MAX_PAGE_BYTES || events.length === maxEvents ? "more" : "enough";
    },
  });
  refuseAborted(signal);
  return { events, isLast: events.length < maxEvents && bytes < MAX_PAGE_BYTES };
}

export interface PagedRead {
  /** Throws what is wrong with the request. */
  readonly check: () => void;
  /** Fetches the page that begins beyond `last`, or the first one. */
  readonly fetch: (last: StoredEvent | undefined, maxEvents: number, signal: AbortSignal) => Promise<Page<StoredEvent>>;
  readonly maxCount?: number | undefined;
  readonly pageSize?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Reads page by page. A long read fetches one page ahead while the reader works on the one before; pages grow, unless
 * the caller says how large they should be. A reader that breaks off ends the call of the page ahead.
 * @throws {LedgerError} ABORTED
 */
export async function* readPages({ check, fetch, maxCount, pageSize, signal }: PagedRead): AsyncGenerator<StoredEvent> {
  check();
  refuseAborted(signal);
  const leaving = new AbortController();
  const either = signal ? AbortSignal.any([signal, leaving.signal]) : leaving.signal;
  let remaining = maxCount ?? Number.POSITIVE_INFINITY;
  let size = Math.min(Math.max(1, Math.floor(pageSize ?? 0) || FIRST_PAGE_EVENTS), MAX_PAGE_EVENTS);
  let ahead: Promise<Page<StoredEvent>> | undefined;
  try {
    let last: StoredEvent | undefined;
    for (let pages = 1; ; pages++) {
      const { events, isLast } = await (ahead ?? fetch(last, Math.min(size, remaining), either));
      ahead = undefined;
      remaining -= events.length;
      const isMore = !isLast && remaining > 0;
      if (isMore) {
        last = events.at(-1);
        if (pageSize === undefined) size = Math.min(size * PAGE_GROWTH, MAX_PAGE_EVENTS);
        if (pages > 1) {
          ahead = fetch(last, Math.min(size, remaining), either);
          ahead.catch(() => undefined); // it is awaited, unless the reader breaks off
        }
      }
      for (const event of events) {
        refuseAborted(signal);
        yield event;
      }
      if (!isMore) return;
    }
  } finally {
    leaving.abort();
  }
}
