import { pause, type Runtime } from "../../runtime.ts";
import type { StoredEvent } from "../event-store.ts";
import type { Connection } from "./connection.ts";
import type { EventStoreDbTarget } from "./connection-string.ts";
import { isNoPlace, isNotLeader, isPassing, toLedgerError } from "./errors.ts";
import type { StreamNames } from "./names.ts";
import { type Page, readPage } from "./pages.ts";
import { patience, pauseMs } from "./retry.ts";
import { logReadRequest, MAX_INT64, parsePosition, type Recorded, storedEvent, streamReadRequest } from "./wire.ts";

const NOTHING: Page<never> = { events: [], isLast: true };

/** A search backwards through a stream looks at its last event, then at pages of this size. */
const SEARCH_PAGE_EVENTS = 500;

interface Stretch {
  /** Included; without it, from the first event, or backwards from the last. */
  readonly from?: bigint | undefined;
  readonly backwards?: boolean;
  readonly maxEvents: number;
  readonly signal?: AbortSignal;
}

interface LogStretch {
  /** Not included. */
  readonly beyond: bigint | undefined;
  readonly backwards: boolean;
  readonly maxEvents: number;
  readonly signal?: AbortSignal;
}

/** Everything that is read in single calls; each is tried again while the deadline lasts. */
export interface EventStoreDbReader {
  /** One question. Again it is asked of the leader, when somebody else was asked, and of a cluster, which may be electing one. */
  probe(): Promise<void>;
  streamPage(stream: string, stretch: Stretch): Promise<Page<StoredEvent>>;
  /** At most so many events of the stream from a revision on. */
  stretch(stream: string, from: bigint, maxCount: number): Promise<readonly StoredEvent[]>;
  /** -1n when there is no stream. */
  lastRevision(stream: string): Promise<bigint>;
  /** Of the stream's last event up to the position; `undefined` when there is none. */
  lastRevisionUpTo(stream: string, position: bigint): Promise<bigint | undefined>;
  logPage(stretch: LogStretch): Promise<Page<StoredEvent>>;
  /** A position to subscribe from that has the same events after it; `undefined`: the beginning. */
  placeToSubscribe(position: bigint): Promise<bigint | undefined>;
  /** Of the last event of the whole server; `undefined` when it has none. */
  lastPosition(): Promise<bigint | undefined>;
  /** The last events of a stream, by its name on the server, the newest first. */
  newest(name: string, maxCount: number): Promise<readonly Recorded[]>;
}

export function eventStoreDbReader(
  connection: Connection,
  { address, isCluster, deadlineMs }: EventStoreDbTarget,
  names: StreamNames,
  runtime: Runtime,
  closing: AbortSignal,
): EventStoreDbReader {
  const stored = (event: Recorded): StoredEvent => storedEvent(event, names.inLedger);

  /** Tries again until it succeeds, the failure is one that stays, or the deadline is over. */
  async function retried<Result>(attempt: () => Promise<Result>, isWorthIt = isPassing): Promise<Result> {
    const { hasTime, end } = patience(deadlineMs, runtime);
    try {
      for (let failures = 0; ; failures++) {
        try {
          return await attempt();
        } catch (error) {
          if (isWorthIt(error) && hasTime()) await pause(pauseMs(failures, runtime), runtime, closing);
          if (!isWorthIt(error) || !hasTime() || closing.aborted) throw toLedgerError(error, address);
        }
      }
    } finally {
      end();
    }
  }

  async function streamPage(stream: string, stretch: Stretch): Promise<Page<StoredEvent>> {
    const { from, backwards = false, maxEvents, signal } = stretch;
    if (from !== undefined && (from < 0n || (!backwards && from > MAX_INT64))) return NOTHING;
    const first = from !== undefined && from > MAX_INT64 ? MAX_INT64 : from;
    const request = streamReadRequest({ stream: names.onServer(stream), from: first, backwards, maxEvents });
    return retried(() => readPage(connection, request, maxEvents, stored, signal));
  }

  /** The server begins at the position when forwards, so the event that stands there is left out. */
  async function pageBeyond({ beyond, backwards, maxEvents, signal }: LogStretch): Promise<Page<StoredEvent>> {
    const count = beyond === undefined || backwards ? maxEvents : maxEvents + 1;
    const request = logReadRequest({ from: beyond, backwards, maxEvents: count, streamPrefix: names.prefix });
    const { events, isLast } = await readPage(connection, request, count, stored, signal);
    const isBeyond = ({ position }: StoredEvent): boolean => beyond === undefined || parsePosition(position) !== beyond;
    return { events: events.filter(isBeyond).slice(0, maxEvents), isLast };
  }

  /** The positions of our last event up to `position` and of the first one after it. */
  async function neighbours(position: bigint): Promise<{ readonly before?: bigint; readonly after?: bigint }> {
    let found: { readonly after?: bigint } = {};
    for (;;) {
      const { events, isLast } = await pageBeyond({
        beyond: found.after,
        backwards: true,
        maxEvents: SEARCH_PAGE_EVENTS,
      });
      for (const event of events) {
        const at = parsePosition(event.position);
        if (at <= position) return { ...found, before: at };
        found = { after: at };
      }
      if (isLast) return found;
    }
  }

  /** The server reads only from where an event stands: from elsewhere it is the next one that does. */
  async function logPage(stretch: LogStretch): Promise<Page<StoredEvent>> {
    const { beyond, backwards } = stretch;
    return retried(async () => {
      try {
        return await pageBeyond(stretch);
      } catch (error) {
        if (beyond === undefined || !isNoPlace(error)) throw error;
        const { before, after } = await neighbours(beyond);
        return pageBeyond({ ...stretch, beyond: backwards ? after : before });
      }
    });
  }

  return {
    async probe() {
      const request = streamReadRequest({ stream: names.ofKept(""), from: undefined, backwards: false, maxEvents: 1 });
      await retried(() => readPage(connection, request, 1, stored), isCluster ? isPassing : isNotLeader);
    },
    streamPage,
    stretch: (stream, from, maxCount) =>
      everyPage(maxCount, (last: StoredEvent | undefined, maxEvents) =>
        streamPage(stream, { from: last ? last.revision + 1n : from, maxEvents }),
      ),
    async lastRevision(stream) {
      const { events } = await streamPage(stream, { backwards: true, maxEvents: 1 });
      return events[0]?.revision ?? -1n;
    },
    async lastRevisionUpTo(stream, position) {
      let from: bigint | undefined;
      for (let maxEvents = 1; ; maxEvents = SEARCH_PAGE_EVENTS) {
        const { events, isLast } = await streamPage(stream, { from, backwards: true, maxEvents });
        const found = events.find((event) => parsePosition(event.position) <= position);
        const first = events.at(-1)?.revision;
        if (found) return found.revision;
        if (isLast || first === undefined) return undefined;
        from = first - 1n;
      }
    },
    logPage,
    placeToSubscribe: (position) =>
      retried(async () => {
        try {
          await pageBeyond({ beyond: position, backwards: false, maxEvents: 1 });
          return position;
        } catch (error) {
          if (!isNoPlace(error)) throw error;
          return (await neighbours(position)).before;
        }
      }),
    async lastPosition() {
      const request = logReadRequest({ from: undefined, backwards: true, maxEvents: 1, streamPrefix: "" });
      const { events } = await retried(() => readPage(connection, request, 1, stored));
      return events[0] && parsePosition(events[0].position);
    },
    newest: (name, maxCount) =>
      everyPage(maxCount, async (last: Recorded | undefined, maxEvents) => {
        const from = last && BigInt(last.getStreamRevision()) - 1n;
        if (from !== undefined && from < 0n) return NOTHING;
        const request = streamReadRequest({ stream: name, from, backwards: true, maxEvents });
        return retried(() => readPage(connection, request, maxEvents, (event) => event));
      }),
  };
}

/** As many events as `maxCount`, in as many pages as that takes. */
async function everyPage<Event>(
  maxCount: number,
  fetch: (last: Event | undefined, maxEvents: number) => Promise<Page<Event>>,
): Promise<readonly Event[]> {
  const all: Event[] = [];
  while (all.length < maxCount) {
    const { events, isLast } = await fetch(all.at(-1), maxCount - all.length);
    all.push(...events);
    if (isLast || events.length === 0) break;
  }
  return all;
}
