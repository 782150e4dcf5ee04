import { LedgerError, refuseAborted } from "../errors.ts";
import {
  checkAppend,
  checkKeep,
  checkKeptName,
  checkMaxCount,
  checkRevision,
  repeatOrConflict,
  revisionInWords,
  staleKeep,
} from "./append-rules.ts";
import type {
  Appended,
  EventStore,
  ExpectedRevision,
  Kept,
  NewEvent,
  ReadAllOptions,
  ReadStreamOptions,
  StoredEvent,
  SubscribeOptions,
} from "./event-store.ts";
import { formatPosition, parsePosition } from "./position.ts";
import { subscription } from "./subscription.ts";

const ADDRESS = "memory:";

/** A store that lives and dies with the process. It uses neither time nor timers, so it runs under a simulated clock. */
export function memoryEventStore(): EventStore {
  const log: StoredEvent[] = [];
  const streams = new Map<string, StoredEvent[]>();
  const byId = new Map<string, StoredEvent>();
  const keptValues = new Map<string, Kept>();
  const sleepers = new Set<() => void>();
  let changes = 0;
  let isClosed = false;

  function checkOpen(): void {
    if (isClosed) throw new LedgerError("CLOSED", `the store ${ADDRESS} is closed`, { address: ADDRESS });
  }

  function wakeAll(): void {
    for (const wake of [...sleepers]) wake();
  }

  function write(stream: string, events: readonly NewEvent[], expected: ExpectedRevision): Appended {
    const history = streams.get(stream) ?? [];
    const actual = revisionInWords(BigInt(history.length) - 1n);
    if (actual !== expected || events.some((event) => byId.has(event.id))) {
      const ids = events.map((event) => event.id);
      return repeatOrConflict({ stream, ids, expected }, actual, (id) => byId.get(id));
    }
    streams.set(stream, history);
    for (const { id, type, data, metadata } of events) {
      const revision = BigInt(history.length);
      const stored = { id, type, data, metadata, stream, revision, position: formatPosition(log.length + 1) };
      history.push(stored);
      log.push(stored);
      byId.set(id, stored);
    }
    changes += 1;
    wakeAll();
    return { revision: BigInt(history.length) - 1n, position: formatPosition(log.length) };
  }

  async function* walk(
    events: readonly StoredEvent[],
    span: { readonly first: number; readonly last: number; readonly step: 1 | -1; readonly maxCount: number },
    signal: AbortSignal | undefined,
  ): AsyncGenerator<StoredEvent> {
    const count = Math.min(span.maxCount, (span.last - span.first) * span.step + 1);
    for (let taken = 0; taken < count; taken++) {
      checkOpen();
      refuseAborted(signal);
      const event = events[span.first + taken * span.step];
      if (event) yield event;
    }
  }

  async function* readStream(stream: string, options: ReadStreamOptions = {}): AsyncGenerator<StoredEvent> {
    const { direction = "forwards", from, maxCount, signal } = options;
    checkOpen();
    refuseAborted(signal);
    checkRevision(from);
    checkMaxCount(maxCount);
    const history = streams.get(stream) ?? [];
    const end = history.length - 1;
    const limit = maxCount ?? Number.POSITIVE_INFINITY;
    if (direction === "forwards") {
      yield* walk(history, { first: Number(from ?? 0n), last: end, step: 1, maxCount: limit }, signal);
    } else {
      const first = from === undefined ? end : Math.min(Number(from), end);
      yield* walk(history, { first, last: 0, step: -1, maxCount: limit }, signal);
    }
  }

  async function* readAll(options: ReadAllOptions = {}): AsyncGenerator<StoredEvent> {
    const { direction = "forwards", after, maxCount, signal } = options;
    checkOpen();
    refuseAborted(signal);
    checkMaxCount(maxCount);
    const end = log.length - 1;
    const limit = maxCount ?? Number.POSITIVE_INFINITY;
    if (direction === "forwards") {
      const first = after === undefined ? 0 : parsePosition(after);
      yield* walk(log, { first, last: end, step: 1, maxCount: limit }, signal);
    } else {
      const first = after === undefined ? end : Math.min(parsePosition(after) - 2, end);
      yield* walk(log, { first, last: 0, step: -1, maxCount: limit }, signal);
    }
  }

  /** Resolves at the next commit, at the end of the store or of the subscription. */
  function nextWake(ended: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      function wake(): void {
        sleepers.delete(wake);
        ended.removeEventListener("abort", wake);
        resolve();
      }
      sleepers.add(wake);
      ended.addEventListener("abort", wake);
    });
  }

  async function* follow(next: number, stream: string | undefined, ended: AbortSignal): AsyncGenerator<StoredEvent> {
    while (!isClosed && !ended.aborted) {
      const event = log[next];
      if (!event) {
        await nextWake(ended);
      } else {
        next += 1;
        if (stream === undefined || event.stream === stream) yield event;
      }
    }
  }

  function firstAfter(after: SubscribeOptions["after"]): number {
    if (after === "start") return 0;
    return after === "end" ? log.length : parsePosition(after);
  }

  return {
    address: ADDRESS,
    async append(stream, events, expected) {
      checkOpen();
      checkAppend(stream, events, expected);
      return write(stream, events, expected);
    },
    async appendInOrder(appends) {
      checkOpen();
      for (const { stream, events, expected } of appends) checkAppend(stream, events, expected);
      for (const { stream, events, expected } of appends) write(stream, events, expected);
    },
    readStream,
    readAll,
    async subscribe({ after, stream, signal }) {
      checkOpen();
      const first = firstAfter(after);
      return subscription((ended) => follow(first, stream, ended), signal);
    },
    checkPosition(position) {
      parsePosition(position);
    },
    changeCount(kept) {
      checkOpen();
      if (kept !== undefined) return Number(keptValues.get(kept)?.revision ?? -1);
      return changes;
    },
    async findEvent(stream, id) {
      checkOpen();
      const event = byId.get(id);
      return event?.stream === stream ? event : undefined;
    },
    async keep(name, value, expected) {
      checkOpen();
      checkKeep(name, value, expected);
      const actual = keptValues.get(name)?.revision ?? "none";
      if (expected !== undefined && expected !== actual) throw staleKeep(name, expected, actual);
      const revision = actual === "none" ? 0n : actual + 1n;
      keptValues.set(name, { value, revision });
      changes += 1;
      return revision;
    },
    async kept(name) {
      checkOpen();
      checkKeptName(name);
      return keptValues.get(name);
    },
    async close() {
      isClosed = true;
      wakeAll();
    },
  };
}
