import { LRUCache } from "lru-cache";
import type { FoldedEvent } from "../../projections/active-models.ts";
import type { RecordedEvent } from "../events/events.ts";
import { streamOf } from "../events/names.ts";
import { damaged, isWhole, recorded } from "../events/stored.ts";
import type { EventStore } from "../store/event-store.ts";

/** An event as the folds see it, and its place in the log. */
export type PlacedEvent = FoldedEvent & { readonly position: string };

/** A fold as the cache runs it. */
export interface Fold<State> {
  readonly initial: () => State;
  readonly evolve: (state: State, event: PlacedEvent) => State;
  /** Roughly how many small objects the state holds: what the bound of the cache counts. */
  readonly weigh: (state: State) => number;
}

/** One project's folded state. It is changed in place as events come in: read it, and do not keep it over an await. */
export interface Folded<State> {
  readonly project: string;
  readonly state: State;
  /** Of the last event folded; -1n and undefined when there is none. */
  readonly revision: bigint;
  readonly position: string | undefined;
}

/** Where a fold may start instead of at the first event. */
export interface Start<State> {
  readonly state: State;
  readonly revision: bigint;
  readonly position: string;
}

interface Entry<State> {
  readonly project: string;
  state: State;
  /** What the bound was last told of it. */
  weight: number;
  revision: bigint;
  position: string | undefined;
  /** Of the last event folded; undefined until a read has shown the one that a snapshot ended with. */
  hash: string | undefined;
  /** The store's change count as it was before the last read. */
  seen: number;
  reading: Promise<void> | undefined;
  queued: Promise<void> | undefined;
}

interface Options<State> {
  readonly fold: Fold<State>;
  /** The bound: the sum of `weigh` over the projects kept. */
  readonly maxWeight: number;
  /** A snapshot to begin with, when there is one. */
  readonly start?: (project: string) => Promise<Start<State> | undefined>;
  /** Told after a read that brought events. */
  readonly onCaughtUp?: (folded: Folded<State>) => void;
}

const NOTHING_FOLDED = { revision: -1n, position: undefined, hash: undefined };

export function foldedEvent<Event extends RecordedEvent>(event: Event) {
  return { ...event, revision: Number(event.revision) };
}

/** Folded states of the projects in use, the least recently used let go first. Never folds an event twice. */
export class ProjectCache<State> {
  readonly #store: EventStore;
  readonly #options: Options<State>;
  readonly #entries: LRUCache<string, Entry<State>>;
  readonly #loading = new Map<string, Promise<Entry<State>>>();

  constructor(store: EventStore, options: Options<State>) {
    this.#store = store;
    this.#options = options;
    this.#entries = new LRUCache<string, Entry<State>>({
      maxSize: options.maxWeight,
      // One that is heavier than the bound is kept alone: nothing would make it lighter, and all of it is in use.
      sizeCalculation: (entry) => Math.min(entry.weight, options.maxWeight),
    });
  }

  /** The project as the cache knows it, read only if it is not there: what a command decides on first. */
  async known(project: string): Promise<Folded<State>> {
    return this.#entries.get(project) ?? (await this.#load(project));
  }

  /** The project with every event that anybody had committed before the call. */
  async fresh(project: string): Promise<Folded<State>> {
    const entry = this.#entries.get(project);
    if (entry === undefined) return this.#loadAfterNow(project);
    if (entry.seen !== this.#store.changeCount()) await this.#catchUp(entry);
    return entry;
  }

  /** The state at once, if nothing was committed since it was read. */
  current(project: string): Folded<State> | undefined {
    const entry = this.#entries.get(project);
    return entry?.seen === this.#store.changeCount() ? entry : undefined;
  }

  /** Folds events that were just appended, unless a read was faster. */
  fold(folded: Folded<State>, events: readonly RecordedEvent[]): void {
    const entry = this.#entries.peek(folded.project);
    if (entry !== undefined) this.#apply(entry, events);
    if (entry !== folded) this.#apply(folded as Entry<State>, events);
    else if (entry !== undefined) this.#hold(entry);
  }

  /** Keeps an entry, or weighs it again when it has grown by a quarter. */
  #hold(entry: Entry<State>): void {
    // A project that does not exist is not worth a place: asking for made-up names must not push out real ones.
    if (entry.revision < 0n) return;
    const weight = Math.max(1, this.#options.fold.weigh(entry.state));
    const isHeld = this.#entries.peek(entry.project) === entry;
    if (isHeld && weight <= entry.weight * 1.25 + 16) return;
    this.#entries.delete(entry.project);
    entry.weight = weight;
    this.#entries.set(entry.project, entry);
  }

  #apply(entry: Entry<State>, events: readonly RecordedEvent[]): void {
    for (const event of events) {
      if (event.revision !== entry.revision + 1n) continue;
      entry.state = this.#evolve(entry.state, event);
      entry.revision = event.revision;
      entry.position = event.position;
      entry.hash = event.metadata.hash;
    }
  }

  #evolve(state: State, event: RecordedEvent): State {
    try {
      return this.#options.fold.evolve(state, foldedEvent(event));
    } catch (cause) {
      if (isWhole(event)) throw cause; // the fault is the fold's
      throw damaged(event, `event ${event.revision} in ${event.stream} is none that a ledger records`, cause);
    }
  }

  /** A load that another call began may have read too early for this one. */
  async #loadAfterNow(project: string): Promise<Entry<State>> {
    const begun = this.#loading.get(project);
    const entry = await this.#load(project);
    if (begun !== undefined) await this.#catchUp(entry);
    return entry;
  }

  #load(project: string): Promise<Entry<State>> {
    const begun = this.#loading.get(project);
    if (begun !== undefined) return begun;
    const loading = this.#begin(project).finally(() => this.#loading.delete(project));
    this.#loading.set(project, loading);
    return loading;
  }

  async #begin(project: string): Promise<Entry<State>> {
    const start = await this.#options.start?.(project);
    const entry: Entry<State> = {
      project,
      state: start?.state ?? this.#options.fold.initial(),
      weight: 0,
      revision: start?.revision ?? -1n,
      position: start?.position,
      hash: undefined,
      seen: Number.NaN,
      reading: undefined,
      queued: undefined,
    };
    await this.#catchUp(entry);
    return entry;
  }

  /** Reads what is new, by a read that starts no earlier than this call; calls that come meanwhile share the next one. */
  #catchUp(entry: Entry<State>): Promise<void> {
    if (entry.reading === undefined) {
      entry.reading = this.#read(entry).finally(() => {
        entry.reading = undefined;
      });
      return entry.reading;
    }
    const next = () => {
      entry.queued = undefined;
      return this.#catchUp(entry);
    };
    entry.queued ??= entry.reading.then(next, next);
    return entry.queued;
  }

  async #read(entry: Entry<State>): Promise<void> {
    const seen = this.#store.changeCount();
    const before = entry.revision;
    if (!(await this.#readTail(entry))) {
      Object.assign(entry, { state: this.#options.fold.initial(), ...NOTHING_FOLDED });
      await this.#readTail(entry);
    }
    entry.seen = seen;
    this.#hold(entry);
    if (entry.revision > before) this.#options.onCaughtUp?.(entry);
  }

  /**
   * Folds what comes after the last event folded, which is read again: false where it is gone or another stands there,
   * since the server came back with an older log, or an empty one.
   */
  async #readTail(entry: Entry<State>): Promise<boolean> {
    const { revision: last, hash: known } = entry;
    let isSameLog = last < 0n;
    for await (const stored of this.#store.readStream(streamOf(entry.project), { from: last < 0n ? 0n : last })) {
      const event = recorded(stored);
      if (!isSameLog) {
        const { hash } = event.metadata;
        if (event.revision !== last || hash !== (known ?? hash)) return false;
        entry.hash ??= hash;
        isSameLog = true;
        continue;
      }
      const next = entry.revision + 1n;
      // Never passed over: the project would stand still there for ever.
      if (stored.revision > next) throw damaged(stored, `event ${next} in ${stored.stream} is missing`);
      this.#apply(entry, [event]);
    }
    return isSameLog;
  }
}
