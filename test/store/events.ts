import { v7 } from "uuid";
import { afterEach, beforeEach } from "vitest";
import type { EventStore, NewEvent, StoredEvent } from "../../src/store/event-store.ts";

/** What the tests of stores write and how they read it back. */

export const range = (count: number): readonly number[] => [...Array(count).keys()];

/** An event with an id of its own; `text` stands in its data. */
export const event = (text = ""): NewEvent => ({
  id: v7(),
  type: "Tested",
  data: JSON.stringify({ text }),
  metadata: "{}",
});

export const newEvents = (count: number): readonly NewEvent[] => range(count).map(() => event());

export async function collect(read: AsyncIterable<StoredEvent>): Promise<readonly StoredEvent[]> {
  const collected: StoredEvent[] = [];
  for await (const each of read) collected.push(each);
  return collected;
}

export const all = (store: EventStore): Promise<readonly StoredEvent[]> => collect(store.readAll());

/** Streams that no other test writes to: a store may hold theirs as well. */
export interface OwnStreams {
  readonly A: string;
  readonly B: string;
  named(name: string | number): string;
  /** All that was appended to these streams, in the order of the commits. */
  all(store: EventStore): Promise<readonly StoredEvent[]>;
  /** Those of these streams. */
  among(read: readonly StoredEvent[]): readonly StoredEvent[];
  /** Follows the log; `take` passes over what is not of these streams. */
  listen(store: EventStore, options: Parameters<EventStore["subscribe"]>[0]): Promise<Listening>;
}

export function ownStreams(): OwnStreams {
  const prefix = `modelLedger-${v7()} `;
  const named = (name: string | number): string => `${prefix}${name}`;
  const isOwn = ({ stream }: StoredEvent): boolean => stream.startsWith(prefix);
  return {
    A: named("A"),
    B: named("B"),
    named,
    all: async (store) => (await all(store)).filter(isOwn),
    among: (read) => read.filter(isOwn),
    listen: (store, options) => listen(store, options, isOwn),
  };
}

/** A store for one test, and streams that are its own. */
export interface FreshStore extends Pick<OwnStreams, "A" | "B" | "named" | "among"> {
  readonly store: EventStore;
  all(): Promise<readonly StoredEvent[]>;
  listen(options: Parameters<EventStore["subscribe"]>[0]): Promise<Listening>;
}

/** Opened before each test and closed after it; what it gives is there while a test runs. */
export function freshStore(open: () => Promise<EventStore>): FreshStore {
  const at = {} as FreshStore;
  beforeEach(async () => {
    const store = await open();
    const own = ownStreams();
    Object.assign(at, {
      ...own,
      store,
      all: () => own.all(store),
      listen: (options: Parameters<EventStore["subscribe"]>[0]) => own.listen(store, options),
    });
  });
  afterEach(() => at.store.close());
  return at;
}

export interface Listening {
  readonly iterator: AsyncIterator<StoredEvent>;
  /** The next so many events; waits for them. */
  take(count: number): Promise<readonly StoredEvent[]>;
}

export async function listen(
  store: EventStore,
  options: Parameters<EventStore["subscribe"]>[0],
  isWanted: (event: StoredEvent) => boolean = () => true,
): Promise<Listening> {
  const iterator = (await store.subscribe(options))[Symbol.asyncIterator]();
  return {
    iterator,
    async take(count) {
      const taken: StoredEvent[] = [];
      while (taken.length < count) {
        const { value, done } = await iterator.next();
        if (done) throw new Error(`the subscription ended after ${taken.length} events`);
        if (isWanted(value)) taken.push(value);
      }
      return taken;
    },
  };
}
