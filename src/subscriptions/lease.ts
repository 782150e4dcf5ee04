import { LedgerError } from "../errors.ts";
import { pause, type Runtime } from "../runtime.ts";
import type { ExpectedKept } from "../store/event-store.ts";
import type { KeptDocument } from "./kept-document.ts";
import { isFree, type Lease, type SubscriptionState, withLease } from "./state.ts";

/** A contender looks this often while a lease lasts. */
const LOOKS_A_LEASE = 4;
/** The holder renews it this often, so that a renewal or two may fail. */
const RENEWALS_A_LEASE = 3;
/** Between attempts to write while the store is away. */
const STORE_PAUSE_MS = 200;

/** The lease went to somebody else, or ran out while the store could not be reached. */
export class LeaseLost extends Error {}

interface Parts {
  readonly document: KeptDocument<SubscriptionState>;
  readonly runtime: Runtime;
  readonly durationMs: number;
}

/**
 * Waits until the subscription is free, and takes it. It is free when its lease was given back, is over by the clock, or
 * was not renewed for as long as it lasts by this process's own timer: a clock that is wrong delays nobody for ever.
 * Two may both believe they hold it, if a clock jumps or a process sleeps; only one of them can write.
 * `undefined` when `signal` aborts first.
 * @throws {LedgerError} SUBSCRIPTION_NOT_FOUND when it was removed meanwhile.
 */
export async function takeLease(parts: Parts, signal: AbortSignal): Promise<HeldLease | undefined> {
  const { document, runtime, durationMs } = parts;
  let seen: ExpectedKept | undefined;
  let unchangedMs = 0;
  while (!signal.aborted) {
    const { content, revision } = await document.read();
    if (revision !== seen) unchangedMs = 0;
    seen = revision;
    if (content.isRemoved) {
      throw new LedgerError("SUBSCRIPTION_NOT_FOUND", `"${document.name}" was removed while it was to be read`);
    }
    const { lease } = content;
    if (isFree(lease, runtime.now(), unchangedMs)) {
      const own = newLease(runtime.newId(), parts);
      const taken = withLease(content, own);
      try {
        const kept = await document.write(taken, revision);
        return new HeldLease(parts, own.holder, taken, kept, lease !== null);
      } catch (error) {
        if (!isConflict(error)) throw error;
        continue;
      }
    }
    const waitMs = ((lease?.durationMs ?? durationMs) / LOOKS_A_LEASE) * (0.5 + runtime.random() / 2);
    await pause(waitMs, runtime, signal);
    unchangedMs += waitMs;
  }
  return undefined;
}

const newLease = (holder: string, { runtime, durationMs }: Parts): Lease => ({
  holder,
  by: runtime.actor,
  until: runtime.now() + durationMs,
  durationMs,
});

/** The state of a subscription in the hands of the one that may write it. */
export class HeldLease {
  /** Whether the one before did not give it back: it died, or still believes that it holds it. */
  readonly wasAbandoned: boolean;
  readonly #parts: Parts;
  readonly #holder: string;
  readonly #lost = new AbortController();
  #state: SubscriptionState;
  #revision: ExpectedKept;
  #writing: Promise<void> = Promise.resolve();
  #stopTimer: () => void = () => undefined;

  constructor(parts: Parts, holder: string, state: SubscriptionState, revision: ExpectedKept, wasAbandoned: boolean) {
    this.#parts = parts;
    this.#holder = holder;
    this.#state = state;
    this.#revision = revision;
    this.wasAbandoned = wasAbandoned;
  }

  get state(): SubscriptionState {
    return this.#state;
  }

  /** Aborts when it is lost. */
  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  /** Renews the lease from now on, each time with what `change` makes of the state; `onRenewed` is told after each. */
  renewing(change: (state: SubscriptionState) => SubscriptionState, onRenewed: () => void): void {
    const { runtime, durationMs } = this.#parts;
    this.#stopTimer = runtime.after(durationMs / RENEWALS_A_LEASE, () => {
      this.save(change).then(
        () => {
          if (this.#lost.signal.aborted) return;
          this.renewing(change, onRenewed);
          onRenewed();
        },
        () => this.#lose(),
      );
    });
  }

  /** Proves, if the lease may have run out meanwhile, that it is still held. */
  async ensure(): Promise<void> {
    const { lease } = this.#state;
    if (this.#lost.signal.aborted || lease === null || this.#parts.runtime.now() >= lease.until) {
      await this.save((state) => state);
    }
  }

  /**
   * Writes what `change` makes of the state, and renews the lease with it; one write at a time. `change` may be made
   * again on a state that has it already.
   * @throws {LeaseLost}
   */
  save(change: (state: SubscriptionState) => SubscriptionState): Promise<void> {
    const turn = this.#writing.then(() => this.#write(change, "keep"));
    this.#writing = turn.catch(() => undefined);
    return turn;
  }

  /** Gives it back, so that the next reader need not wait. */
  async giveBack(change: (state: SubscriptionState) => SubscriptionState): Promise<void> {
    this.#stopTimer();
    const turn = this.#writing.then(() => (this.#lost.signal.aborted ? undefined : this.#write(change, "give back")));
    await turn.catch(() => undefined); // it runs out by itself
    this.#lose();
  }

  #lose(): void {
    this.#stopTimer();
    this.#lost.abort(new LeaseLost(`the lease of "${this.#parts.document.name}" is lost`));
  }

  async #write(change: (state: SubscriptionState) => SubscriptionState, then: "keep" | "give back"): Promise<void> {
    const { document, runtime, durationMs } = this.#parts;
    let waitedMs = 0;
    for (;;) {
      this.#lost.signal.throwIfAborted();
      const lease = then === "keep" ? newLease(this.#holder, this.#parts) : null;
      const next = withLease(change(this.#state), lease);
      try {
        this.#revision = await document.write(next, this.#revision);
        this.#state = next;
        return;
      } catch (error) {
        if (!isConflict(error)) {
          if (!isUnavailable(error) || waitedMs > durationMs) throw this.#given(error);
          waitedMs += STORE_PAUSE_MS;
          await pause(STORE_PAUSE_MS, runtime, this.#lost.signal);
        }
      }
      await this.#readAgain();
    }
  }

  /** After a write that was refused or not answered: it may have been written all the same. */
  async #readAgain(): Promise<void> {
    try {
      const { content, revision } = await this.#parts.document.read();
      if (content.lease?.holder !== this.#holder) this.#lose();
      this.#state = content;
      this.#revision = revision;
    } catch (error) {
      if (!isUnavailable(error)) throw this.#given(error);
    }
  }

  #given(error: unknown): unknown {
    this.#lose();
    return error;
  }
}

const isConflict = (error: unknown): boolean => error instanceof LedgerError && error.code === "CONFLICT";
const isUnavailable = (error: unknown): boolean => error instanceof LedgerError && error.code === "STORE_UNAVAILABLE";
