import type { Runtime } from "../runtime.ts";
import { checkKeep, checkKeptName, checkMaxCount, checkRevision } from "./append-rules.ts";
import type { EventStore, ReadAllOptions, ReadStreamOptions, StoredEvent, SubscribeOptions } from "./event-store.ts";
import { appender } from "./eventstoredb/append.ts";
import { appendStream } from "./eventstoredb/append-stream.ts";
import { connect } from "./eventstoredb/connection.ts";
import { parseConnectionString } from "./eventstoredb/connection-string.ts";
import { closed } from "./eventstoredb/errors.ts";
import { keptValues } from "./eventstoredb/kept.ts";
import { streamNames } from "./eventstoredb/names.ts";
import { readPages } from "./eventstoredb/pages.ts";
import { eventStoreDbReader } from "./eventstoredb/reader.ts";
import { type Place, subscriptions } from "./eventstoredb/subscription.ts";
import { MAX_INT64, parsePosition } from "./eventstoredb/wire.ts";
import { oneByOne } from "./one-by-one.ts";
import { subscription } from "./subscription.ts";

export interface EventStoreDbOptions {
  /** The category of the streams on the server. Default: modelLedger, which the ledger's own projections read. */
  readonly category?: string;
}

/**
 * A store on an EventStoreDB server or cluster, of version 22.10 or later. Reads and appends go to the leader.
 * @throws {LedgerError} INVALID_INPUT for a connection string that cannot be read; STORE_UNAVAILABLE when nobody answers.
 */
export async function eventStoreDbEventStore(
  url: string,
  runtime: Runtime,
  { category = "modelLedger" }: EventStoreDbOptions = {},
): Promise<EventStore> {
  const target = parseConnectionString(url);
  const { address, deadlineMs } = target;
  const names = streamNames(category);
  const closing = new AbortController();
  const connection = connect(target, "leader", runtime);
  const reader = eventStoreDbReader(connection, target, names, runtime, closing.signal);
  const appends = appendStream(connection, deadlineMs, runtime);
  const parts = { address, deadlineMs, runtime, names, appends, reader, closing: closing.signal };
  const { check, append } = appender(parts);
  const values = keptValues(parts);
  const live = subscriptions(target, names, runtime);
  const underWay = new Set<Promise<unknown>>();
  let closed_: Promise<void> | undefined;

  try {
    await reader.probe();
  } catch (error) {
    connection.close();
    throw error;
  }

  function checkOpen(): void {
    if (closed_) throw closed(address);
  }

  /** Work that close() waits for. */
  function finish<Result>(work: Promise<Result>): Promise<Result> {
    const done = (): void => {
      underWay.delete(work);
    };
    underWay.add(work);
    work.then(done, done);
    return work;
  }

  function readStream(stream: string, options: ReadStreamOptions = {}): AsyncGenerator<StoredEvent> {
    const { direction = "forwards", from, maxCount } = options;
    const backwards = direction === "backwards";
    return readPages({
      ...options,
      check() {
        checkOpen();
        checkRevision(from);
        checkMaxCount(maxCount);
      },
      async fetch(last, maxEvents, signal) {
        checkOpen();
        const next = last ? last.revision + (backwards ? -1n : 1n) : from;
        return reader.streamPage(stream, { from: next, backwards, maxEvents, signal });
      },
    });
  }

  function readAll(options: ReadAllOptions = {}): AsyncGenerator<StoredEvent> {
    const { direction = "forwards", after, maxCount } = options;
    const backwards = direction === "backwards";
    return readPages({
      ...options,
      check() {
        checkOpen();
        checkMaxCount(maxCount);
        if (after !== undefined) parsePosition(after);
      },
      async fetch(last, maxEvents, signal) {
        checkOpen();
        const position = last?.position ?? after;
        const beyond = position === undefined ? undefined : parsePosition(position);
        return reader.logPage({ beyond, backwards, maxEvents, signal });
      },
    });
  }

  /** Where "end" is, is asked now: the call itself may be opened later, and again, and misses nothing. */
  async function placeAfter(after: SubscribeOptions["after"], stream: string | undefined): Promise<Place> {
    if (stream === undefined) {
      if (after === "start") return { position: undefined };
      if (after === "end") return { position: await reader.lastPosition() };
      return { position: await reader.placeToSubscribe(parsePosition(after)) };
    }
    if (after === "start") return { stream, revision: undefined };
    const position = after === "end" ? MAX_INT64 : parsePosition(after);
    return { stream, revision: await reader.lastRevisionUpTo(stream, position) };
  }

  /** Nothing is tried again from now on, and a server that does not answer is not waited for beyond the deadline. */
  async function closeAll(): Promise<void> {
    const { promise: isOverdue, resolve } = Promise.withResolvers<void>();
    const stopWaiting = runtime.after(deadlineMs, resolve);
    live.close();
    closing.abort();
    await Promise.race([Promise.allSettled(underWay), isOverdue]);
    stopWaiting();
    appends.close();
    connection.close();
  }

  return {
    address,
    async append(stream, events, expected) {
      checkOpen();
      check(stream, events, expected);
      return finish(append(stream, events, expected));
    },
    async appendInOrder(appends) {
      checkOpen();
      for (const { stream, events, expected } of appends) check(stream, events, expected);
      await finish(oneByOne(append, appends));
    },
    readStream,
    readAll,
    async subscribe({ after, stream, signal, ...told }) {
      checkOpen();
      const place = await placeAfter(after, stream);
      return subscription((ended) => live.follow(place, ended, told), signal);
    },
    checkPosition(position) {
      parsePosition(position);
    },
    changeCount() {
      checkOpen();
      return Number.NaN;
    },
    async findEvent() {
      checkOpen();
      return undefined;
    },
    async keep(name, value, expected) {
      checkOpen();
      checkKeep(name, value, expected);
      return finish(values.keep(name, value, expected));
    },
    async kept(name) {
      checkOpen();
      checkKeptName(name);
      return values.kept(name);
    },
    close() {
      closed_ ??= closeAll();
      return closed_;
    },
  };
}
