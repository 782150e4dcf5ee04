import { z } from "zod";
import { validated } from "../domain/commands.ts";
import { LedgerError } from "../errors.ts";
import { pause, type Runtime } from "../runtime.ts";
import type { EventStore } from "../store/event-store.ts";
import { EVENT_FILTER_FIELDS } from "./event-filter.ts";
import { KeptDocument } from "./kept-document.ts";
import { LeaseLost, takeLease } from "./lease.ts";
import { isMeant, type ParkedEvent, ParkedList } from "./parked.ts";
import { type Handle, type Observation, type Plan, SubscriptionReader } from "./reader.ts";
import { backOffMs, SubscriptionState } from "./state.ts";

export const SubscriptionName = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/, "must be 1 to 100 of A-Z, a-z, 0-9, ., _ and -");

const isFunction = (value: unknown): boolean => typeof value === "function";
const milliseconds = z.number().positive();

export const SubscriptionInput = z.strictObject({
  /** Whoever reads under the same name, in any process, shares one checkpoint; one at a time is the reader. */
  name: SubscriptionName,
  /** Where the name begins, the first time: "start" (default), "end" or a position. Later it goes on at its checkpoint. */
  from: z
    .string()
    .regex(/^[0-9A-Za-z_-]+$/, 'must be "start", "end" or a position')
    .default("start"),
  ...EVENT_FILTER_FIELDS,
  /** Called with one event at a time, in order. What it rejects with makes the event be tried again. */
  handle: z.custom<Handle>(isFunction, "must be a function"),
  /** After so many failures the event is parked and the next one is handled. Default: 8. */
  maxAttempts: z.int().positive().default(8),
  /** An event at which this many readers were killed is parked: it may be what kills them. Default: 10. */
  maxDeaths: z.int().positive().or(z.literal(Number.POSITIVE_INFINITY)).default(10),
  /** The wait after the first failure, doubled after each further one up to the longest. Default: 1 s to 60 s. */
  backOff: z.strictObject({ firstMs: milliseconds.default(1_000), maxMs: milliseconds.default(60_000) }).prefault({}),
  /** How long after the reader was killed another may take its place. Default: 10 s. */
  leaseMs: milliseconds.default(10_000),
  /** Told of everything that happens. */
  observe: z.custom<(observation: Observation) => void>(isFunction, "must be a function").optional(),
  signal: z.instanceof(AbortSignal).optional(),
});
export type SubscriptionOptions = z.input<typeof SubscriptionInput>;

export interface SubscriptionSummary {
  readonly name: string;
  /** The position that is finished; undefined before the first event. */
  readonly checkpoint?: string;
  /** Events handled or parked so far. */
  readonly finished: number;
  readonly parked: number;
  /** Who reads it just now, as far as the lease tells. */
  readonly reader?: string;
  /** The event that is being tried again. */
  readonly trying?: { readonly position: string; readonly attempts: number; readonly error: string };
}

export interface ParkedOptions {
  /** Says what would happen and changes nothing. */
  readonly dryRun?: boolean;
}

const NEW: SubscriptionState = { lease: null, checkpoint: null, attempts: null, finished: 0 };
/** While the store is away. */
const STORE_BACK_OFF = { firstMs: 200, maxMs: 10_000 };

/** Named, durable, ordered, at-least-once subscriptions; what they have reached is kept in the ledger's own store. */
export class Subscriptions {
  readonly #store: EventStore;
  readonly #runtime: Runtime;
  readonly #names: KeptDocument<readonly string[]>;
  readonly #closing = new AbortController();
  readonly #running = new Set<Promise<void>>();

  constructor(store: EventStore, runtime: Runtime) {
    this.#store = store;
    this.#runtime = runtime;
    this.#names = new KeptDocument(store, "subscriptions", z.array(z.string()), []);
  }

  /**
   * Handles the events after the checkpoint, history first and then live, in order, each at least once; waits while
   * another process is the reader of this name, and takes its place when that one ends or is killed. The checkpoint
   * moves only behind what is handled or parked. Resolves when `signal` aborts or the ledger closes, after the event
   * that was being handled.
   * @throws {LedgerError} SUBSCRIPTION_NOT_FOUND when it is removed meanwhile: whoever runs it next begins anew;
   * CLOSED when the ledger is closed already.
   */
  async run(options: SubscriptionOptions): Promise<void> {
    const { signal, ...rest } = validated(SubscriptionInput, options, "subscription");
    this.#checkOpen();
    const ended = signal ? AbortSignal.any([signal, this.#closing.signal]) : this.#closing.signal;
    const running = this.#run(rest, ended);
    const settled = running.catch(() => undefined);
    this.#running.add(settled);
    try {
      await running;
    } finally {
      this.#running.delete(settled);
    }
  }

  /** All that ever ran, by name. */
  async list(): Promise<readonly SubscriptionSummary[]> {
    const names = (await this.names()).toSorted();
    return Promise.all(names.map((name) => this.#summary(name)));
  }

  async names(): Promise<readonly string[]> {
    return (await this.#names.read()).content;
  }

  /** @throws {LedgerError} SUBSCRIPTION_NOT_FOUND */
  async parked(name: string): Promise<readonly ParkedEvent[]> {
    return (await this.#parkedOf(name)).all();
  }

  /**
   * Asks the reader to handle these parked events again, or all; it does so within seconds, out of their old order. A dry
   * run only says which.
   * @throws {LedgerError} SUBSCRIPTION_NOT_FOUND, also for an event that is not parked.
   */
  async retryParked(
    name: string,
    eventIds?: readonly string[],
    { dryRun = false }: ParkedOptions = {},
  ): Promise<readonly ParkedEvent[]> {
    const { parked, meant } = await this.#meantOf(name, eventIds);
    return dryRun ? meant : parked.askRetry(eventIds);
  }

  /**
   * Takes these events off the parked list, or all: they are never handled. A dry run only says which.
   * @throws {LedgerError} SUBSCRIPTION_NOT_FOUND, also for an event that is not parked.
   */
  async dropParked(
    name: string,
    eventIds?: readonly string[],
    { dryRun = false }: ParkedOptions = {},
  ): Promise<readonly ParkedEvent[]> {
    const { parked, meant } = await this.#meantOf(name, eventIds);
    return dryRun ? meant : parked.drop(eventIds);
  }

  /**
   * Forgets its checkpoint and its parked events.
   * @throws {LedgerError} SUBSCRIPTION_NOT_FOUND; CONFLICT while somebody reads it.
   */
  async remove(name: string): Promise<void> {
    const parked = await this.#parkedOf(name);
    await this.#stateOf(name).change(({ lease }) => {
      if (lease !== null && this.#runtime.now() <= lease.until) throw isRead(name, lease.by);
      return { ...NEW, isRemoved: true };
    });
    await parked.drop(undefined);
    await this.#names.change((names) => names.filter((known) => known !== name));
  }

  /** Ends those that run here, each after the event that it is at. */
  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.all(this.#running);
  }

  async #run(options: Omit<z.infer<typeof SubscriptionInput>, "signal">, ended: AbortSignal): Promise<void> {
    const { name, from, handle, maxAttempts, maxDeaths, backOff, leaseMs, observe, ...filter } = options;
    const tell = observe ?? ((): void => undefined);
    const plan: Plan = { name, filter, handle, maxAttempts, maxDeaths, backOff, observe: tell };
    const parked = new ParkedList(this.#store, name);
    let isBegun = false;
    for (let failures = 0; !ended.aborted; ) {
      try {
        if (!isBegun) await this.#begin(name, from); // once: a name that is removed later is not brought back
        isBegun = true;
        const lease = await takeLease(
          { document: this.#stateOf(name), runtime: this.#runtime, durationMs: leaseMs },
          ended,
        );
        if (!lease) return;
        failures = 0;
        const reader = new SubscriptionReader(
          { store: this.#store, runtime: this.#runtime, parked, plan },
          lease,
          ended,
        );
        try {
          await reader.run();
        } finally {
          await reader.leave();
        }
        if (!ended.aborted) this.#checkOpen();
      } catch (error) {
        if (!isPassing(error)) throw error;
        tell({ kind: "lost", error });
        failures += 1;
        await pause(backOffMs(failures, STORE_BACK_OFF, this.#runtime.random()), this.#runtime, ended);
      }
    }
  }

  /** A name that begins at the end begins where that is now, whenever it is read. */
  async #begin(name: string, from: string): Promise<void> {
    const document = this.#stateOf(name);
    const isRemoved = (await document.read()).content.isRemoved ?? false;
    if (!isRemoved && (await this.names()).includes(name)) return;
    const checkpoint = await this.#placeOf(from);
    await document.change((state) =>
      state.checkpoint === null ? { ...state, checkpoint, isRemoved: false } : undefined,
    );
    await this.#names.change((names) => (names.includes(name) ? undefined : [...names, name]));
  }

  /** @throws {LedgerError} INVALID_INPUT for what is no position of the store. */
  async #placeOf(from: string): Promise<string | null> {
    if (from === "start") return null;
    if (from !== "end") {
      for await (const _ of this.#store.readAll({ after: from, maxCount: 1 })) break;
      return from;
    }
    for await (const { position } of this.#store.readAll({ direction: "backwards", maxCount: 1 })) return position;
    return null;
  }

  #stateOf(name: string): KeptDocument<SubscriptionState> {
    return new KeptDocument(this.#store, `subscription/${name}`, SubscriptionState, NEW);
  }

  async #parkedOf(name: string): Promise<ParkedList> {
    const names = await this.names();
    if (names.includes(name)) return new ParkedList(this.#store, name);
    const known = names.length === 0 ? "there is none" : `there are ${names.join(", ")}`;
    throw new LedgerError("SUBSCRIPTION_NOT_FOUND", `no subscription "${name}": ${known}`, { name });
  }

  /** The list, and what of it is meant. @throws {LedgerError} SUBSCRIPTION_NOT_FOUND */
  async #meantOf(name: string, eventIds: readonly string[] | undefined) {
    const parked = await this.#parkedOf(name);
    const meant = (await parked.all()).filter((event) => isMeant(event, eventIds));
    const missing = eventIds?.find((wanted) => !meant.some(({ eventId }) => eventId === wanted));
    if (missing === undefined) return { parked, meant };
    const message = `the subscription "${name}" has no parked event ${missing}`;
    throw new LedgerError("SUBSCRIPTION_NOT_FOUND", message, { name, eventId: missing });
  }

  async #summary(name: string): Promise<SubscriptionSummary> {
    const { lease, checkpoint, attempts, finished } = (await this.#stateOf(name).read()).content;
    const parked = (await new ParkedList(this.#store, name).all()).length;
    const isHeld = lease !== null && this.#runtime.now() <= lease.until;
    return {
      name,
      ...(checkpoint !== null && { checkpoint }),
      finished,
      parked,
      ...(isHeld && { reader: lease.by }),
      ...(attempts && { trying: { position: attempts.position, attempts: attempts.count, error: attempts.error } }),
    };
  }

  /** @throws {LedgerError} CLOSED when the store is. */
  #checkOpen(): void {
    this.#store.changeCount();
  }
}

const isRead = (name: string, by: string): LedgerError =>
  new LedgerError("CONFLICT", `the subscription "${name}" is being read by ${by}: end that first`, {
    name,
    reader: by,
  });

const isPassing = (error: unknown): boolean =>
  error instanceof LeaseLost || (error instanceof LedgerError && error.code === "STORE_UNAVAILABLE");
