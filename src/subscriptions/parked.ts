import { z } from "zod";
import { LedgerError } from "../errors.ts";
import type { EventStore } from "../store/event-store.ts";
import { KeptDocument, KeptRevision } from "./kept-document.ts";

const Parked = z.object({
  eventId: z.string(),
  type: z.string(),
  stream: z.string(),
  revision: KeptRevision,
  position: z.string(),
  /** How often it was tried in vain. */
  attempts: z.number(),
  /** What it failed with the last time. */
  error: z.string(),
  parkedAt: z.string(),
  /** Somebody asked that it be tried again; the reader does it when it comes by. */
  isToRetry: z.boolean().optional(),
});
/** An event that a subscription could not handle, set aside so that those after it are handled. */
export type ParkedEvent = Readonly<z.infer<typeof Parked>>;

/** More of them, and the subscription stands still: whoever handles the events is broken, not the events. */
const MAX_PARKED = 10_000;
const MAX_ERROR_LENGTH = 500;

/** The events that a subscription has set aside, in the order in which it did. */
export class ParkedList {
  readonly #name: string;
  readonly #document: KeptDocument<readonly ParkedEvent[]>;

  constructor(store: EventStore, subscription: string) {
    this.#name = subscription;
    this.#document = new KeptDocument(store, `subscription/${subscription}/parked`, z.array(Parked), []);
  }

  async all(): Promise<readonly ParkedEvent[]> {
    return (await this.#document.read()).content;
  }

  /** Adds it, in place of what it says of the same event. @throws {LedgerError} TOO_LARGE when the list is full. */
  async add(event: ParkedEvent): Promise<void> {
    await this.#document.change((list) => {
      const others = list.filter(({ eventId }) => eventId !== event.eventId);
      if (others.length >= MAX_PARKED) throw full(this.#name);
      return [...others, { ...event, error: event.error.slice(0, MAX_ERROR_LENGTH) }];
    });
  }

  /** Asks that these, or all, be tried again. Gives those it found. */
  async askRetry(eventIds: readonly string[] | undefined): Promise<readonly ParkedEvent[]> {
    const list = await this.#document.change((there) =>
      there.map((event) => (isMeant(event, eventIds) ? { ...event, isToRetry: true } : event)),
    );
    return list.filter((event) => isMeant(event, eventIds));
  }

  /** Takes these, or all, off the list for good. Gives those it found. */
  async drop(eventIds: readonly string[] | undefined): Promise<readonly ParkedEvent[]> {
    let dropped: readonly ParkedEvent[] = [];
    await this.#document.change((list) => {
      dropped = list.filter((event) => isMeant(event, eventIds));
      return dropped.length === 0 ? undefined : list.filter((event) => !isMeant(event, eventIds));
    });
    return dropped;
  }
}

/** Whether it is among these, or all are meant. */
export const isMeant = ({ eventId }: ParkedEvent, eventIds: readonly string[] | undefined): boolean =>
  eventIds === undefined || eventIds.includes(eventId);

const full = (name: string): LedgerError =>
  new LedgerError(
    "TOO_LARGE",
    `the subscription "${name}" has ${MAX_PARKED} parked events, as many as it may: retry or drop them`,
    { name, maxParked: MAX_PARKED },
  );
