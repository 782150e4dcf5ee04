import { LedgerError, unlessAborted } from "../errors.ts";
import { sqliteThread } from "../sqlite/thread.ts";
import { beside } from "../sqlite/worker.ts";
import type { EventStore, StoredEvent } from "../store/event-store.ts";
import { type Answer, type Cell, type Checkpoint, EVENT_CELLS, type Indexer } from "./wire.ts";

/** How long to wait for other processes that write to the same tables. */
const LOCK_TIMEOUT_MS = 30_000;
/** Events go to the thread in pieces of this size: neither side is kept busy for long. */
const MAX_BATCH_EVENTS = 1_000;
const MAX_BATCH_LENGTH = 1024 * 1024;
/** Others may move the tables on, which helps; so often without getting further only another ledger with the same file. */
const MAX_ATTEMPTS = 20;

/** Tables that follow a log. Whatever goes wrong with the file is thrown, for the caller to go elsewhere. */
export interface Tables {
  /** See `ReadModel.catchUp`. */
  catchUp(maxEvents: number): Promise<boolean>;
  /**
   * Asks the thread once everything is in the tables that was committed before the call.
   * @throws {LedgerError} ABORTED, without waiting for what is being taken in.
   */
  ask(query: Query, signal: AbortSignal | undefined): Promise<readonly string[]>;
  /** Stops taking in events; what was taken in stays. */
  close(): Promise<void>;
}

type Query = (thread: ReturnType<typeof sqliteThread<Indexer>>, at: Checkpoint) => Promise<Answer>;

export function tablesOf(store: EventStore, path: string): Tables {
  const thread = sqliteThread<Indexer>(beside(import.meta.url, "indexer"), { path, lockTimeoutMs: LOCK_TIMEOUT_MS });
  /** How far the tables are, once it is known that they are of this log. */
  let at: Checkpoint | undefined;
  let isChecked = false;
  let isComplete = false;
  /** The store's change count before the last read that found nothing more. */
  let seen = Number.NaN;
  let working: Promise<unknown> = Promise.resolve();
  let isClosing = false;

  /** One at a time: two readers of the same stretch of the log would only do the same work twice. */
  function inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const turn = working.then(work, work);
    working = turn.catch(() => undefined);
    return turn;
  }

  async function isInLog({ stream, revision, event, position }: Checkpoint): Promise<boolean> {
    for await (const found of store.readStream(stream, { from: BigInt(revision), maxCount: 1 })) {
      return found.id === event && found.position === position;
    }
    return false;
  }

  async function firstId(): Promise<string | undefined> {
    for await (const { id } of store.readAll({ maxCount: 1 })) return id;
    return undefined;
  }

  /** Finds out where the tables are, and begins them anew where they are not of this log. */
  async function check(): Promise<void> {
    const found = await thread.call("open");
    isChecked = true;
    at = found;
    if (found === undefined) return;
    if (found.ledger === (await firstId()) && (await isInLog(found))) return;
    at = undefined;
    await thread.call("reset", found);
  }

  async function takeIn(maxEvents: number): Promise<boolean> {
    const before = store.changeCount();
    if (isChecked && at !== undefined && before === seen) return true;
    let furthest = "";
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      if (!isChecked) await check();
      if ((at?.position ?? "") > furthest) [attempt, furthest] = [0, at?.position ?? ""];
      const outcome = await readOn(maxEvents);
      if (outcome === "overtaken") continue;
      if (outcome === "more") return false;
      seen = before;
      if (!isComplete) await thread.call("complete");
      isComplete = true;
      return true;
    }
    throw new LedgerError("STORE_UNAVAILABLE", `the read model "${path}" is kept by another ledger`, { path });
  }

  /** Reads the log from where the tables are, as long as nobody else moves them. */
  async function readOn(maxEvents: number): Promise<"end" | "more" | "overtaken"> {
    const ledger = at?.ledger ?? (await firstId());
    if (ledger === undefined) return "end";
    let taken = 0;
    let under: Promise<boolean> = Promise.resolve(true);
    let last = at?.position;
    for await (const { cells, position } of batches(store, last, maxEvents)) {
      const from = last;
      if (isClosing) throw new LedgerError("CLOSED", "the ledger was closed while its read model was being filled");
      if (!(await under)) return "overtaken";
      under = take(ledger, from, cells, position);
      under.catch(() => undefined); // it is awaited
      last = position;
      taken += cells.length / EVENT_CELLS;
      if (taken >= maxEvents) return (await under) ? "more" : "overtaken";
    }
    return (await under) ? "end" : "overtaken";
  }

  async function take(ledger: string, from: string | undefined, cells: readonly Cell[], position: string) {
    const now = await thread.call("take", ledger, from, cells);
    if (now?.position === position && now.ledger === ledger) {
      at = now;
      return true;
    }
    isChecked = false; // another process was faster, or the tables are of another ledger
    return false;
  }

  return {
    catchUp: (maxEvents) => inTurn(() => takeIn(maxEvents)),
    async ask(query, signal) {
      for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
        await unlessAborted(
          inTurn(() => takeIn(Number.POSITIVE_INFINITY)),
          signal,
        );
        if (at === undefined) return [];
        const answer = await query(thread, at);
        if (answer !== undefined) return answer;
        isChecked = false;
      }
      throw new LedgerError("STORE_UNAVAILABLE", `the read model "${path}" is kept by another ledger`, { path });
    },
    async close() {
      isClosing = true;
      await working;
      await thread.stop();
    },
  };
}

interface Batch {
  readonly cells: readonly Cell[];
  /** Of its last event. */
  readonly position: string;
}

async function* batches(store: EventStore, after: string | undefined, maxEvents: number): AsyncGenerator<Batch> {
  let cells: Cell[] = [];
  let length = 0;
  let last: StoredEvent | undefined;
  const options = {
    ...(after !== undefined && { after }),
    ...(maxEvents < Number.POSITIVE_INFINITY && { maxCount: maxEvents }),
  };
  for await (const event of store.readAll(options)) {
    const { position, stream, revision, id, type, data, metadata } = event;
    cells.push(position, stream, Number(revision), id, type, data, metadata);
    length += data.length + metadata.length;
    last = event;
    if (cells.length >= MAX_BATCH_EVENTS * EVENT_CELLS || length >= MAX_BATCH_LENGTH) {
      yield { cells, position };
      [cells, length, last] = [[], 0, undefined];
    }
  }
  if (last) yield { cells, position: last.position };
}
