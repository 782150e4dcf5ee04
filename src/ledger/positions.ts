import { z } from "zod";
import { LedgerError, refuseAborted, unlessAborted } from "../errors.ts";
import type { Runtime } from "../runtime.ts";
import type { EventStore } from "../store/event-store.ts";

/** The form of a position; whether it is one of the store's, the store knows. */
export const PositionText = z.string().regex(/^[0-9A-Za-z_-]+$/, "must be a position, as results and events have it");

/** What every read may be asked with. */
export const READ_OPTIONS = {
  /** Answer once the ledger has reached this position, which a command gave: what was written is then seen. */
  minPosition: PositionText.optional(),
  /** Ends the read wherever it is. */
  signal: z.instanceof(AbortSignal).optional(),
};

export interface ReadOptions {
  readonly minPosition?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Nobody waits longer for a position: it may be one of another ledger. */
const MAX_WAIT_MS = 10_000;

/** How far the store has got, for reads that want to see what somebody wrote. */
export class Positions {
  readonly #store: EventStore;
  readonly #runtime: Runtime;
  /** The store has got at least this far. */
  #known = "";

  constructor(store: EventStore, runtime: Runtime) {
    this.#store = store;
    this.#runtime = runtime;
  }

  /**
   * What `ask` comes to once the store has reached `minPosition`.
   * @throws {LedgerError} what {@link reached} throws; ABORTED as soon as `signal` says so.
   */
  async answer<Answer>(options: ReadOptions, ask: () => Promise<Answer>): Promise<Answer> {
    refuseAborted(options.signal);
    return unlessAborted(
      this.reached(options).then(() => ask()),
      options.signal,
    );
  }

  /**
   * Resolves once the store has reached `minPosition`; at once when none is given.
   * @throws {LedgerError} INVALID_INPUT when it is no position of the store, ABORTED, or STORE_UNAVAILABLE when it was
   * not reached within {@link MAX_WAIT_MS}.
   */
  async reached({ minPosition, signal }: ReadOptions): Promise<void> {
    if (minPosition === undefined) return;
    // Only positions are in the order of the log as text: what is none would pass for one that was reached.
    this.#store.checkPosition(minPosition);
    if (minPosition <= this.#known) return;
    if (!(await this.#isThere(minPosition))) await this.#wait(minPosition, signal);
    this.#known = minPosition > this.#known ? minPosition : this.#known;
  }

  async #isThere(position: string): Promise<boolean> {
    for await (const _ of this.#store.readAll({ after: position, maxCount: 1 })) return true;
    return (await this.#last()) >= position;
  }

  async #last(): Promise<string> {
    for await (const { position } of this.#store.readAll({ direction: "backwards", maxCount: 1 })) return position;
    return "";
  }

  async #wait(minPosition: string, signal: AbortSignal | undefined): Promise<void> {
    const tooLong = new AbortController();
    const cancel = this.#runtime.after(MAX_WAIT_MS, () => tooLong.abort());
    const ended = signal ? AbortSignal.any([signal, tooLong.signal]) : tooLong.signal;
    let last = await this.#last();
    if (last >= minPosition) return cancel(); // it got there between the two looks, and nothing more need come
    try {
      for await (const { position } of await this.#store.subscribe({ after: last || "start", signal: ended })) {
        last = position;
        if (position >= minPosition) return;
      }
    } finally {
      cancel();
    }
    if (signal?.aborted) {
      throw new LedgerError(
        "ABORTED",
        "the wait for a position was aborted",
        { minPosition },
        { cause: signal.reason },
      );
    }
    const { address } = this.#store;
    const where = last === "" ? "is empty" : `is at ${last}`;
    throw new LedgerError(
      "STORE_UNAVAILABLE",
      `the ledger at ${address} has not reached position ${minPosition} after ${MAX_WAIT_MS / 1_000} s, it ${where}: is the position of this ledger?`,
      { minPosition, position: last, address },
    );
  }
}
