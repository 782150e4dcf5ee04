import { LedgerError } from "../errors.ts";
import type { RecordedEvent } from "../events/events.ts";
import { recorded } from "../events/stored.ts";
import { pause, type Runtime } from "../runtime.ts";
import type { EventStore, StoredEvent } from "../store/event-store.ts";
import { inSpan, SpanKind } from "../tracing.ts";
import { type EventFilter, isOfEnvironment, mayMatch, onlyStream } from "./event-filter.ts";
import type { HeldLease } from "./lease.ts";
import type { ParkedEvent, ParkedList } from "./parked.ts";
import { type Attempts, attemptsAt, backOffMs, finishedAt, withAttempts } from "./state.ts";

/** What a handler is told beside the event. */
export interface Attempt {
  /** 1 the first time, one more after each failure. */
  readonly number: number;
  /** Aborts when the subscription ends or another process has become its reader: what is begun may be given up. */
  readonly signal: AbortSignal;
}

/**
 * Resolves when the event is done with; whatever it rejects with, the event is tried again. An error with a number
 * `retryAfterMs` is waited for at least so long.
 */
export type Handle = (event: RecordedEvent, attempt: Attempt) => Promise<void>;

/** What happens to a subscription, for logs and metrics. */
export type Observation =
  | { readonly kind: "reading"; readonly after: string | undefined }
  | { readonly kind: "lost"; readonly error: unknown }
  | { readonly kind: "handled"; readonly event: RecordedEvent; readonly attempt: number }
  | { readonly kind: "failed"; readonly event: RecordedEvent; readonly attempt: number; readonly error: unknown }
  | { readonly kind: "parked"; readonly event: RecordedEvent; readonly attempts: number; readonly error: unknown };

export interface Plan {
  readonly name: string;
  readonly filter: EventFilter;
  readonly handle: Handle;
  readonly maxAttempts: number;
  /** An event at which this many readers died is parked without another attempt. */
  readonly maxDeaths: number;
  readonly backOff: { readonly firstMs: number; readonly maxMs: number };
  readonly observe: (observation: Observation) => void;
}

interface Parts {
  readonly store: EventStore;
  readonly runtime: Runtime;
  readonly parked: ParkedList;
  readonly plan: Plan;
}

const DIED = "its reader ended before it was done";

/** Reads and handles events, one after another, for as long as it holds the lease. */
export class SubscriptionReader {
  readonly #parts: Parts;
  readonly #lease: HeldLease;
  readonly #ended: AbortSignal;
  /** What is being handled, and what waits for that: an attempt at the next event, or parked ones that are tried again. */
  #turn: Promise<void> = Promise.resolve();
  /** Everything up to here is finished, and nothing is being handled; "" is before the first event. */
  #idleAt: string | undefined;
  /** The one before died, perhaps of the event it was at. */
  #isSuspicious: boolean;

  constructor(parts: Parts, lease: HeldLease, ended: AbortSignal) {
    this.#parts = parts;
    this.#lease = lease;
    this.#ended = ended;
    this.#isSuspicious = lease.wasAbandoned;
  }

  /** @throws {LeaseLost} and what the store throws. */
  async run(): Promise<void> {
    const { store, plan } = this.#parts;
    const { checkpoint } = this.#lease.state;
    const stream = onlyStream(plan.filter);
    const failed = new AbortController();
    const stop = AbortSignal.any([this.#ended, this.#lease.lost, failed.signal]);
    const events = await store.subscribe({
      after: checkpoint ?? "start",
      signal: stop,
      ...(stream !== undefined && { stream }),
    });
    const lookAround = (): void => {
      this.#next(async () => {
        await this.#retryParked(stop);
        if (stream !== undefined) await this.#passOverOthers(stream);
      }).catch((error: unknown) => failed.abort(error));
    };
    this.#idleAt = checkpoint ?? "";
    this.#lease.renewing((state) => this.#withIdle(state), lookAround);
    plan.observe({ kind: "reading", after: checkpoint ?? undefined });
    lookAround();
    const isWanted = mayMatch(plan.filter);
    for await (const stored of events) {
      if (stop.aborted) break;
      const event = isWanted(stored) ? recorded(stored) : undefined;
      if (event && isOfEnvironment(plan.filter, event)) await this.#finish(event, stop);
      if (stop.aborted) break;
      this.#idleAt = stored.position;
    }
    await this.#turn;
    if (failed.signal.aborted) throw failed.signal.reason;
    this.#lease.lost.throwIfAborted();
  }

  /** Gives the lease back, with the checkpoint behind what was passed over. */
  async leave(): Promise<void> {
    await this.#lease.giveBack((state) => this.#withIdle(state));
  }

  #withIdle(state: HeldLease["state"]): HeldLease["state"] {
    return this.#idleAt ? finishedAt(state, this.#idleAt, 0) : state;
  }

  /**
   * It hears of one stream only. Where nothing of that is left, what is in the log beside it is finished too, as it is for
   * one that hears of all: the end of the log is asked for first, so that what is recorded meanwhile lies behind it.
   */
  async #passOverOthers(stream: string): Promise<void> {
    const { store } = this.#parts;
    const end = await lastPosition(store.readAll({ direction: "backwards", maxCount: 1 }));
    const last = await lastPosition(store.readStream(stream, { direction: "backwards", maxCount: 1 }));
    if (this.#idleAt !== undefined && last <= this.#idleAt && this.#idleAt < end) this.#idleAt = end;
  }

  #next<Result>(work: () => Promise<Result>): Promise<Result> {
    const turn = this.#turn.then(work);
    this.#turn = turn.then(
      () => undefined,
      () => undefined,
    );
    return turn;
  }

  /** Tries until it succeeds or is parked, and moves the checkpoint behind it. Parked ones are tried again while it waits. */
  async #finish(event: RecordedEvent, stop: AbortSignal): Promise<void> {
    this.#idleAt = undefined;
    while (!stop.aborted) {
      const waitMs = await this.#next(() => this.#attempt(event, stop));
      if (waitMs === undefined) return;
      await pause(waitMs, this.#parts.runtime, stop);
    }
  }

  /** Gives how long to wait before the next one, in ms; undefined when there is none to come. */
  async #attempt(event: RecordedEvent, stop: AbortSignal): Promise<number | undefined> {
    const { runtime, plan } = this.#parts;
    const { position } = event;
    let attempts = attemptsAt(this.#lease.state, position);
    if (this.#isSuspicious) {
      this.#isSuspicious = false;
      attempts = { ...attempts, deaths: attempts.deaths + 1, error: attempts.error || DIED };
      await this.#note(attempts);
    }
    if (attempts.count < plan.maxAttempts && attempts.deaths < plan.maxDeaths) {
      const number = attempts.count + 1;
      const error = await this.#try(event, number, stop);
      if (stop.aborted && error) return undefined;
      if (!error) {
        await this.#lease.save((state) => finishedAt(state, position, 1));
        plan.observe({ kind: "handled", event, attempt: number });
        return undefined;
      }
      attempts = { ...attempts, count: number, error: error.message };
      await this.#note(attempts);
      if (number < plan.maxAttempts) {
        return Math.max(backOffMs(number, plan.backOff, runtime.random()), askedWaitMs(error));
      }
    }
    if (!stop.aborted) await this.#park(event, attempts);
    return undefined;
  }

  async #note(attempts: Attempts): Promise<void> {
    await this.#lease.save((state) => withAttempts(state, attempts));
  }

  /** What it failed with, if it did. */
  async #try(event: RecordedEvent, number: number, stop: AbortSignal): Promise<Error | undefined> {
    const { plan } = this.#parts;
    await this.#lease.ensure();
    try {
      const { type, position } = event;
      const attributes = {
        "model_ledger.event_type": type,
        "model_ledger.position": position,
        "model_ledger.attempt": number,
      };
      await inSpan(`handle ${plan.name}`, { kind: SpanKind.CONSUMER, attributes, cause: event.metadata }, () =>
        plan.handle(event, { number, signal: stop }),
      );
      return undefined;
    } catch (thrown) {
      const error = thrown instanceof Error ? thrown : new Error(String(thrown));
      if (!stop.aborted) plan.observe({ kind: "failed", event, attempt: number, error });
      return error;
    }
  }

  /** First the list, then the checkpoint: killed in between, it is tried again and not lost. */
  async #park(event: RecordedEvent, { count, error }: Attempts): Promise<void> {
    const { plan, parked } = this.#parts;
    await this.#lease.ensure();
    await parked.add(this.#parkedEvent(event, count, error));
    await this.#lease.save((state) => finishedAt(state, event.position, 1));
    plan.observe({ kind: "parked", event, attempts: count, error });
  }

  /** Tries the parked events for which that was asked, once each. */
  async #retryParked(stop: AbortSignal): Promise<void> {
    const { plan, parked } = this.#parts;
    for (const entry of (await parked.all()).filter(({ isToRetry }) => isToRetry)) {
      if (stop.aborted) return;
      const event = await this.#eventOf(entry);
      const number = entry.attempts + 1;
      const error = await this.#try(event, number, stop);
      if (!error) {
        await parked.drop([entry.eventId]);
        plan.observe({ kind: "handled", event, attempt: number });
      } else if (!stop.aborted) {
        await parked.add(this.#parkedEvent(event, number, error.message));
      }
    }
  }

  async #eventOf({ stream, revision, eventId }: ParkedEvent): Promise<RecordedEvent> {
    for await (const stored of this.#parts.store.readStream(stream, { from: revision, maxCount: 1 })) {
      if (stored.id === eventId) return recorded(stored);
    }
    const message = `the parked event ${eventId} is not at revision ${revision} of "${stream}": drop it`;
    throw new LedgerError("CORRUPT", message, { stream, revision: String(revision), eventId });
  }

  #parkedEvent(event: RecordedEvent, attempts: number, error: string): ParkedEvent {
    const { id, type, stream, revision, position } = event;
    const parkedAt = new Date(this.#parts.runtime.now()).toISOString();
    return { eventId: id, type, stream, revision, position, attempts, error, parkedAt };
  }
}

/** "" where there is none. */
async function lastPosition(backwards: AsyncIterable<StoredEvent>): Promise<string> {
  for await (const { position } of backwards) return position;
  return "";
}

function askedWaitMs(error: Error): number {
  return "retryAfterMs" in error && typeof error.retryAfterMs === "number" ? error.retryAfterMs : 0;
}
