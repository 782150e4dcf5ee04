/**
 * THE PORT. What the ledger asks of a store, as types and promises; `test/store/contract.ts` holds every store to it.
 * A store knows nothing of models: it keeps JSON text in streams.
 */

import type { LedgerError } from "../errors.ts";

/** A fact proposed. `id` is a UUID; `data` and `metadata` are JSON text, stored byte for byte. */
export interface NewEvent {
  readonly id: string;
  readonly type: string;
  readonly data: string;
  readonly metadata: string;
}

/** A fact in the log. `revision` is 0-based within the stream; `position` is opaque, URL-safe and ordered as text. */
export interface StoredEvent extends NewEvent {
  readonly stream: string;
  readonly revision: bigint;
  readonly position: string;
}

/** The revision the stream's last event must have, or that there is none yet. */
export type ExpectedRevision = bigint | "no_stream";

/** What {@link EventStore.append} is called with. */
export interface Append {
  readonly stream: string;
  readonly events: readonly NewEvent[];
  readonly expected: ExpectedRevision;
}

export interface Appended {
  /** Of the last event appended. */
  readonly revision: bigint;
  readonly position: string;
}

/** A value that the store keeps. Each `keep` of the name raises `revision`, never two of them to the same. */
export interface Kept {
  /** JSON text, byte for byte. */
  readonly value: string;
  readonly revision: bigint;
}

/** The revision of the value that is to be replaced, or that there is none yet. */
export type ExpectedKept = bigint | "none";

export interface ReadOptions {
  /** Events per round trip; a hint. */
  readonly pageSize?: number;
  readonly signal?: AbortSignal;
}

export interface ReadStreamOptions extends ReadOptions {
  readonly direction?: "forwards" | "backwards";
  /** The first revision read, this one included. Default: the first, or when backwards the last event. */
  readonly from?: bigint;
  /** At most this many events; at least 1. */
  readonly maxCount?: number;
}

export interface ReadAllOptions extends ReadOptions {
  readonly direction?: "forwards" | "backwards";
  /** Only events after this position (backwards: before it). Default: from the beginning (backwards: the end). */
  readonly after?: string;
  readonly maxCount?: number;
}

export interface SubscribeOptions {
  /** Everything after this position; "start" is before the first event, "end" after the last one now in the log. */
  readonly after: "start" | "end" | (string & {});
  /** Only this stream. */
  readonly stream?: string;
  readonly signal?: AbortSignal;
  /**
   * Told each time that a store over a network is found out of reach, STORE_UNAVAILABLE: the subscription goes on by
   * itself once it is back.
   */
  readonly onLost?: (error: LedgerError) => void;
  /** Told whenever such a store has answered: what was told before by {@link onLost} is over. */
  readonly onHeard?: () => void;
}

export interface EventStore {
  /** Where it is, for messages: never a password. */
  readonly address: string;

  /**
   * Appends all of `events` (one at least) or none, and resolves once they would survive a power cut.
   * Repeating an append with the same ids and the same `expected` returns the first result, also after later events.
   * @throws {LedgerError} CONFLICT when `expected` does not hold, with `details.actual` (the revision as a decimal
   * string, or "no_stream"), which can be read by then, and when an id is already taken by another append;
   * STORE_UNAVAILABLE when it is not known whether it was written; TOO_LARGE for more than 1 MiB in one append.
   *
   * Ids are told apart for ever and between processes where the store has an index of them. EventStoreDB has none: a
   * store there knows the last 10,000 ids that it appended itself, and whoever gives one id to two appends in two
   * processes gets two events.
   */
  append(stream: string, events: readonly NewEvent[], expected: ExpectedRevision): Promise<Appended>;

  /**
   * Appends one after the other, so that none is in the log unless all before it are: many in one commit where the store
   * can do that. They are sent as they are, so 4 MiB of text at a time are enough.
   * @throws {LedgerError} what `append` throws at the first that fails; those before it are written, those after it are
   * not. What no append takes (TOO_LARGE) is refused before anything is written.
   */
  appendInOrder(appends: readonly Append[]): Promise<void>;

  /** The events of a stream in order, those committed before the call at least. A stream that is not there is empty. */
  readStream(stream: string, options?: ReadStreamOptions): AsyncIterable<StoredEvent>;

  /** The events of all the ledger's streams in the order of their commits. */
  readAll(options?: ReadAllOptions): AsyncIterable<StoredEvent>;

  /**
   * A catch-up subscription: history, then live, in order, without gap or repeat, also across reconnects. Reads no
   * further ahead than a bounded buffer. It is in place once the returned promise resolves, so "end" means now; the
   * iterable ends when `signal` aborts or the store closes.
   */
  subscribe(options: SubscribeOptions): Promise<AsyncIterable<StoredEvent>>;

  /**
   * Whether it has the form that the store gives its positions; not whether there is anything at it. Asks nobody.
   * @throws {LedgerError} INVALID_INPUT if not.
   */
  checkPosition(position: string): void;

  /**
   * A number that changes whenever anybody, in any process, commits to the store; costs microseconds and never waits.
   * Equal numbers: nothing new in between. NaN, which equals nothing, where the store cannot tell.
   * @param kept only of what is kept under this name.
   */
  changeCount(kept?: string): number;

  /**
   * Looks for an event of the stream in the store's index of ids. `undefined` when there is none, or when the store
   * keeps no such index for ever (EventStoreDB): the project fold remembers the last 10,000 commands for that case.
   */
  findEvent(stream: string, id: string): Promise<StoredEvent | undefined>;

  /**
   * Keeps `value` (JSON text) under `name` in place of the one before and gives its revision; resolves when it would
   * survive a power cut. With `expected` it compares and sets: of many who expect the same revision one succeeds.
   * Without, it replaces whatever is there. `name`: 1–400 printable characters.
   * @throws {LedgerError} CONFLICT when `expected` does not hold, with `details.actual` (the revision as a decimal
   * string, or "none"); STORE_UNAVAILABLE when it is not known whether it was written.
   */
  keep(name: string, value: string, expected?: ExpectedKept): Promise<bigint>;

  /** The value kept under `name`, the one of every `keep` that was answered before the call or a later one. */
  kept(name: string): Promise<Kept | undefined>;

  /** Ends subscriptions, finishes what is under way, frees everything. Calls after it are refused with CLOSED. */
  close(): Promise<void>;
}
