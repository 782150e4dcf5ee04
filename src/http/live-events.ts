import { setImmediate as turn } from "node:timers/promises";
import type { Caller } from "../access/scopes.ts";
import type { ServedLedger } from "../api/served-ledger.ts";
import type { RecordedEvent } from "../events/events.ts";

/** So many at most are told before the tokens are asked again. */
const MAX_TOGETHER = 64;

/** Where the log begins: as text, it comes before every position. */
export const BEGINNING = "";

/** What is recorded after the position, until the signal aborts. */
export const eventsAfter = (
  position: string,
  ledger: ServedLedger,
  only: { readonly project?: string | undefined; readonly signal: AbortSignal },
): AsyncIterable<RecordedEvent> => ledger.subscribe({ ...only, from: position === BEGINNING ? "start" : position });

/** Who has read the log to its end, and is told what comes. */
export interface Listener {
  readonly caller: Caller;
  isWanted(event: RecordedEvent): boolean;
  /** Whether there is room for more than this. */
  write(event: RecordedEvent): boolean;
}

interface Seat {
  readonly listener: Listener;
  /** Everything up to here was written, or is not wanted. */
  at: string;
  leave(at: string | undefined): void;
}

/**
 * One reading of what is recorded from now on, for all who have read the log to its end: each event is written to all of
 * them at once, without a promise for each. Nothing is kept for anybody: who has no room for more, or may no longer be
 * told, leaves and reads the log from where they are, until they are where this is.
 */
export class LiveEvents {
  readonly #seats = new Set<Seat>();
  readonly #stop = new AbortController();
  /** Everything up to here was told. */
  #position: string;
  #isOver = false;

  /** @param position the end of the log, as just asked for */
  constructor(ledger: ServedLedger, position: string) {
    this.#position = position;
    void this.#run(eventsAfter(position, ledger, { signal: this.#stop.signal }));
  }

  /** It was stopped, or could not read on. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Whether who has read the log up to there is told all that comes after it. */
  reaches(at: string): boolean {
    return !this.#isOver && at >= this.#position;
  }

  /**
   * Tells the listener what comes after `at`, which must be reached. Resolves when it no longer does, or `ended` aborts,
   * with the position up to which it has; with undefined where the log itself has ended: its store was closed.
   */
  tell(listener: Listener, at: string, ended: AbortSignal): Promise<string | undefined> {
    return new Promise((resolve) => {
      const leave = (last: string | undefined): void => {
        this.#seats.delete(seat);
        ended.removeEventListener("abort", end);
        resolve(last);
      };
      const end = (): void => leave(seat.at);
      const seat: Seat = { listener, at, leave };
      this.#seats.add(seat);
      ended.addEventListener("abort", end);
      if (ended.aborted) end();
    });
  }

  stop(): void {
    this.#stop.abort();
  }

  async #run(events: AsyncIterable<RecordedEvent>): Promise<void> {
    let hasFailed = false;
    try {
      for await (const batch of together(events)) {
        this.#write(batch, await this.#allowed());
      }
    } catch {
      hasFailed = true; // those whom it concerns find it out for themselves: it may be about one project only
    }
    this.#isOver = true;
    this.stop();
    for (const seat of this.#seats) seat.leave(hasFailed ? seat.at : undefined);
  }

  /** Who may still be told: asked once for all connections of a token. */
  async #allowed(): Promise<ReadonlySet<Caller>> {
    const callers = [...new Set([...this.#seats].map(({ listener }) => listener.caller))];
    const answers = await Promise.allSettled(callers.map((caller) => caller.holds()));
    return new Set(callers.filter((_, index) => answers[index]?.status === "fulfilled" && answers[index].value));
  }

  #write(batch: readonly RecordedEvent[], allowed: ReadonlySet<Caller>): void {
    this.#position = batch.at(-1)?.position ?? this.#position;
    for (const seat of this.#seats) {
      // Also who came while the others were asked: what was read before that may be none of their business any more.
      if (!allowed.has(seat.listener.caller)) seat.leave(seat.at);
      else writeTo(seat, batch);
    }
  }
}

function writeTo(seat: Seat, batch: readonly RecordedEvent[]): void {
  const { listener } = seat;
  for (const event of batch) {
    if (event.position <= seat.at) continue; // they had read further than this had
    const hasRoom = !listener.isWanted(event) || listener.write(event);
    seat.at = event.position;
    if (hasRoom) continue;
    seat.leave(seat.at);
    return;
  }
}

/** What comes within one turn of the event loop, as one; what was made of the last is on its way by then. */
async function* together<Item>(items: AsyncIterable<Item>): AsyncGenerator<readonly Item[]> {
  const iterator = items[Symbol.asyncIterator]();
  for (let next = iterator.next(); ; ) {
    const first = await next;
    if (first.done) return;
    const batch = [first.value];
    const turnEnds = turn();
    next = iterator.next();
    while (batch.length < MAX_TOGETHER) {
      const another = await Promise.race([next, turnEnds]);
      if (another === undefined || another.done) break;
      batch.push(another.value);
      next = iterator.next();
      next.catch(() => undefined); // thrown where it is awaited, which may not be yet
    }
    await turnEnds;
    yield batch;
  }
}
