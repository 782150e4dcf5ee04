import { refuseAborted } from "../../errors.ts";
import type { StoredEvent } from "../event-store.ts";
import { EVENT_CELLS, endOf, type Page, type PageEnd, storedEvent } from "./wire.ts";

const FIRST_PAGE_EVENTS = 64;
const PAGE_GROWTH = 4;
const MAX_PAGE_EVENTS = 4096;

export interface PagedRead {
  /** Throws what is wrong with the request. */
  readonly check: () => void;
  /** Fetches the page that begins beyond `last`, or the first one. */
  readonly fetch: (last: PageEnd | undefined, maxEvents: number) => Promise<Page>;
  readonly maxCount?: number | undefined;
  readonly pageSize?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Reads page by page. A long read fetches one page ahead while the reader works on the one before; a short one fetches
 * nothing that it may not need. Pages grow, unless the caller says how large they should be.
 * @throws {LedgerError} ABORTED
 */
export async function* readPages({ check, fetch, maxCount, pageSize, signal }: PagedRead): AsyncGenerator<StoredEvent> {
  check();
  refuseAborted(signal);
  let remaining = maxCount ?? Number.POSITIVE_INFINITY;
  let size = Math.max(1, Math.min(Math.trunc(pageSize ?? FIRST_PAGE_EVENTS) || FIRST_PAGE_EVENTS, MAX_PAGE_EVENTS));
  let ahead: Promise<Page> | undefined;
  let last: PageEnd | undefined;
  for (let pages = 1; ; pages++) {
    const { cells, isLast }: Page = await (ahead ?? fetch(last, Math.min(size, remaining)));
    ahead = undefined;
    remaining -= cells.length / EVENT_CELLS;
    const isMore = !isLast && remaining > 0;
    if (isMore) {
      last = endOf(cells);
      if (pageSize === undefined) size = Math.min(size * PAGE_GROWTH, MAX_PAGE_EVENTS);
      if (pages > 1) {
        ahead = fetch(last, Math.min(size, remaining));
        ahead.catch(() => undefined); // it is awaited, unless the reader breaks off
      }
    }
    for (let at = 0; at < cells.length; at += EVENT_CELLS) {
      refuseAborted(signal);
      yield storedEvent(cells, at);
    }
    if (!isMore) return;
  }
}
