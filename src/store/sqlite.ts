import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { LedgerError } from "../errors.ts";
import type { Runtime } from "../runtime.ts";
import { toLedgerError } from "../sqlite/errors.ts";
import { sqliteThread } from "../sqlite/thread.ts";
import { beside } from "../sqlite/worker.ts";
import { checkAppend, checkKeep, checkKeptName, checkMaxCount, checkRevision } from "./append-rules.ts";
import type {
  Appended,
  EventStore,
  ExpectedRevision,
  NewEvent,
  ReadAllOptions,
  ReadStreamOptions,
  StoredEvent,
} from "./event-store.ts";
import { oneByOne } from "./one-by-one.ts";
import { formatPosition, parsePosition } from "./position.ts";
import { sqliteChangeCount } from "./sqlite/change-count.ts";
import { watchForCommits } from "./sqlite/change-watch.ts";
import { groupCommit } from "./sqlite/group-commit.ts";
import { liveTail } from "./sqlite/live-tail.ts";
import { readPages } from "./sqlite/pages.ts";
import {
  type Cell,
  type Reader,
  revisionNumber,
  storedEvent,
  type Writer,
  writeAppend,
  writeKeep,
} from "./sqlite/wire.ts";
import { subscription } from "./subscription.ts";

export interface SqliteEventStore extends EventStore {
  /** The settings of the connection that writes, by name. */
  pragmas(): Promise<Readonly<Record<string, Cell>>>;
}

export interface SqliteOptions {
  /** How long to wait for other processes that hold the file before giving up. Default: 30 s. */
  readonly lockTimeoutMs?: number;
}

/**
 * A store in one file, which several processes may use at once; created if it is not there. Whatever may wait, for the
 * disk or for another process, does so in a thread of its own: one writes, one reads.
 * @throws {LedgerError} STORE_UNAVAILABLE when the file cannot be opened or is something else; CORRUPT when damaged.
 */
export async function sqliteEventStore(
  givenPath: string,
  runtime: Runtime,
  { lockTimeoutMs = 30_000 }: SqliteOptions = {},
): Promise<SqliteEventStore> {
  const path = resolve(givenPath);
  const reader = sqliteThread<Reader>(beside(import.meta.url, "sqlite/reader"), { path, lockTimeoutMs });
  const writer = sqliteThread<Writer>(beside(import.meta.url, "sqlite/writer"), { path, lockTimeoutMs });
  const commits = groupCommit(
    (calls) => writer.call("commit", calls),
    () => tail.wake(),
  );
  const tail = liveTail({
    lastPosition: async () => formatPosition(await reader.call("lastPosition")),
    readAfter: (after) => readAll({ after }),
    watch: (onChange) => watchForCommits(path, changeCount, runtime, onChange),
  });
  const changes = sqliteChangeCount(path);
  let closed: Promise<void> | undefined;

  try {
    // side by side: to start a thread takes as long as to start Node, and a command would wait for one after the other
    writer.start();
    const creating = existsSync(path) ? undefined : writer.call("prepare");
    const [isReady] = await Promise.all([reader.call("isReady"), creating]);
    if (!isReady && !creating) await writer.call("prepare");
  } catch (error) {
    await Promise.all([reader.stop(), writer.stop()]);
    throw error;
  }

  function checkOpen(): void {
    if (closed) throw new LedgerError("CLOSED", `the ledger "${path}" is closed`, { path });
  }

  async function append(stream: string, events: readonly NewEvent[], expected: ExpectedRevision): Promise<Appended> {
    checkOpen();
    const length = checkAppend(stream, events, expected);
    return commits.submit(length, (cells) => writeAppend(cells, stream, events, expected));
  }

  function readStream(stream: string, options: ReadStreamOptions = {}): AsyncGenerator<StoredEvent> {
    const { direction = "forwards", from, maxCount } = options;
    const backwards = direction === "backwards";
    const step = backwards ? -1 : 1;
    return readPages({
      ...options,
      check() {
        checkOpen();
        checkRevision(from);
        checkMaxCount(maxCount);
      },
      fetch: (last, maxEvents) => {
        checkOpen();
        // From the very beginning: what somebody put before the first event is found, too.
        const edge = backwards ? Number.MAX_SAFE_INTEGER : Number.MIN_SAFE_INTEGER;
        const first = from === undefined ? edge : revisionNumber(from);
        return reader.call("readStream", { stream, from: last ? last.revision + step : first, backwards, maxEvents });
      },
    });
  }

  function readAll(options: ReadAllOptions = {}): AsyncGenerator<StoredEvent> {
    const { direction = "forwards", after, maxCount } = options;
    const backwards = direction === "backwards";
    const edge = backwards ? Number.MAX_SAFE_INTEGER : 0;
    return readPages({
      ...options,
      check() {
        checkOpen();
        checkMaxCount(maxCount);
        if (after !== undefined) parsePosition(after);
      },
      fetch: (last, maxEvents) => {
        checkOpen();
        const beyond = after === undefined ? edge : parsePosition(after);
        return reader.call("readAll", { after: last?.position ?? beyond, backwards, maxEvents });
      },
    });
  }

  async function* follow(after: number, stream: string | undefined, ended: AbortSignal): AsyncGenerator<StoredEvent> {
    const isOver = (): boolean => closed !== undefined || ended.aborted;
    if (isOver()) return;
    const release = reader.hold();
    let last = formatPosition(after);
    try {
      while (!isOver()) {
        const seat = await tail.join(stream);
        try {
          for await (const event of historyAfter(last, stream)) {
            if (isOver()) return;
            last = event.position;
            yield event;
          }
          while (!seat.hasOverflowed && !isOver()) {
            const event = seat.take();
            if (!event) {
              await seat.next(ended);
            } else if (event.position > last) {
              last = event.position;
              yield event;
            }
          }
        } finally {
          seat.leave();
        }
      }
    } catch (error) {
      if (!isOver()) throw error; // a read that the end of the store cut short
    } finally {
      release();
    }
  }

  async function* historyAfter(last: string, stream: string | undefined): AsyncGenerator<StoredEvent> {
    if (stream === undefined) return yield* readAll({ after: last });
    checkOpen();
    const from = await reader.call("firstRevisionAfter", stream, parsePosition(last));
    yield* readStream(stream, { from: BigInt(from) });
  }

  async function whereToBegin(after: "start" | "end" | (string & {})): Promise<number> {
    if (after === "start") return 0;
    return after === "end" ? reader.call("lastPosition") : parsePosition(after);
  }

  function changeCount(kept?: string): number {
    checkOpen();
    try {
      return kept === undefined ? changes.read() : changes.readKept(kept);
    } catch (error) {
      throw toLedgerError(error, path);
    }
  }

  async function closeAll(): Promise<void> {
    tail.close();
    await commits.finished();
    changes.close();
    await reader.stop();
    await writer.stop(); // the last to leave copies the write-ahead log into the database
  }

  return {
    address: `sqlite:${path}`,
    append,
    async appendInOrder(appends) {
      const cells: Cell[] = [];
      for (const { stream, events, expected } of appends) {
        checkAppend(stream, events, expected);
        writeAppend(cells, stream, events, expected);
      }
      checkOpen();
      try {
        await writer.call("commitWhole", cells);
        tail.wake();
      } catch (error) {
        if (!(error instanceof LedgerError) || error.code !== "CONFLICT") throw error;
        await oneByOne(append, appends); // up to the one that cannot be written
      }
    },
    readStream,
    readAll,
    async subscribe({ after, stream, signal }) {
      checkOpen();
      const first = await whereToBegin(after);
      return subscription((ended) => follow(first, stream, ended), signal);
    },
    checkPosition(position) {
      parsePosition(position);
    },
    changeCount,
    async findEvent(stream, id) {
      checkOpen();
      const { cells } = await reader.call("findEvent", id);
      const event = cells.length > 0 ? storedEvent(cells, 0) : undefined;
      return event?.stream === stream ? event : undefined;
    },
    async keep(name, value, expected) {
      checkOpen();
      checkKeep(name, value, expected);
      const length = name.length + value.length;
      return (await commits.submit(length, (cells) => writeKeep(cells, name, value, expected))).revision;
    },
    async kept(name) {
      checkOpen();
      checkKeptName(name);
      const found = await reader.call("kept", name);
      return found && { value: Buffer.from(found.value.buffer).toString(), revision: BigInt(found.revision) };
    },
    async pragmas() {
      checkOpen();
      return writer.call("pragmas");
    },
    close() {
      closed ??= closeAll();
      return closed;
    },
  };
}
