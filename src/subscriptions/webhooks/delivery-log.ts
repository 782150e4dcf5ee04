import { z } from "zod";
import type { EventStore } from "../../store/event-store.ts";
import { KeptDocument, KeptRevision } from "../kept-document.ts";

const DeliveryAttempt = z.object({
  at: z.string(),
  durationMs: z.number(),
  /** Of the answer; absent when there was none. */
  status: z.number().optional(),
  /** Why it does not count as delivered. */
  error: z.string().optional(),
});
export type DeliveryAttempt = Readonly<z.infer<typeof DeliveryAttempt>>;

const Delivery = z.object({
  /** Of the event, and the `webhook-id` of each attempt. */
  eventId: z.string(),
  type: z.string(),
  stream: z.string(),
  revision: KeptRevision,
  position: z.string(),
  isDelivered: z.boolean(),
  attemptCount: z.number(),
  /** The last ones. */
  attempts: z.array(DeliveryAttempt),
});
export type Delivery = Readonly<z.infer<typeof Delivery>>;

export type DeliveredEvent = Omit<Delivery, "isDelivered" | "attemptCount" | "attempts">;

const Segment = z.object({ number: z.number(), deliveries: z.array(Delivery) });
type Segment = Readonly<z.infer<typeof Segment>>;

/** A delivery rewrites one segment, so they are small; the oldest of them is written over. */
const DELIVERIES_A_SEGMENT = 50;
const SEGMENTS = 40;
const MAX_ATTEMPTS_SHOWN = 20;

/** The last 2,000 deliveries of a webhook and what became of each. */
export class DeliveryLog {
  readonly #store: EventStore;
  readonly #webhookId: string;
  readonly #head: KeptDocument<number>;

  constructor(store: EventStore, webhookId: string) {
    this.#store = store;
    this.#webhookId = webhookId;
    this.#head = new KeptDocument(store, `webhook/${webhookId}/deliveries`, z.number(), 0);
  }

  /**
   * Adds an attempt to what the log says of the event, or the event to the log. An event that is delivered in its turn is
   * the last one there, if it is there; one that is sent once more may be anywhere.
   */
  async record(event: DeliveredEvent, attempt: DeliveryAttempt, turn: "in its turn" | "once more"): Promise<void> {
    const { content: head } = await this.#head.read();
    const number = (turn === "once more" ? await this.#segmentOf(event.eventId, head) : undefined) ?? head;
    const written = await this.#segment(number).change((segment) => {
      const { deliveries } = segment.number === number ? segment : { deliveries: [] };
      const known = deliveries.find(({ eventId }) => eventId === event.eventId);
      if (!known && deliveries.length >= DELIVERIES_A_SEGMENT) return undefined;
      const changed: Delivery = {
        ...event,
        isDelivered: (known?.isDelivered ?? false) || attempt.error === undefined,
        attemptCount: (known?.attemptCount ?? 0) + 1,
        attempts: [...(known?.attempts ?? []), attempt].slice(-MAX_ATTEMPTS_SHOWN),
      };
      const others = known ? deliveries.map((each) => (each === known ? changed : each)) : [...deliveries, changed];
      return { number, deliveries: others };
    });
    if (written.deliveries.some(({ eventId }) => eventId === event.eventId)) return;
    await this.#head.change((there) => (there === head ? head + 1 : undefined));
    await this.record(event, attempt, turn);
  }

  /** The newest first. */
  async *all(): AsyncGenerator<Delivery> {
    const { content: head } = await this.#head.read();
    for (let number = head; number >= 0 && number > head - SEGMENTS; number--) {
      const { content } = await this.#segment(number).read();
      if (content.number === number) yield* content.deliveries.toReversed();
    }
  }

  async find(eventId: string): Promise<Delivery | undefined> {
    for await (const delivery of this.all()) if (delivery.eventId === eventId) return delivery;
    return undefined;
  }

  async #segmentOf(eventId: string, head: number): Promise<number | undefined> {
    for (let number = head; number >= 0 && number > head - SEGMENTS; number--) {
      const { content } = await this.#segment(number).read();
      if (content.number !== number) continue;
      if (content.deliveries.some((delivery) => delivery.eventId === eventId)) return number;
    }
    return undefined;
  }

  #segment(number: number): KeptDocument<Segment> {
    const name = `webhook/${this.#webhookId}/deliveries/${number % SEGMENTS}`;
    return new KeptDocument<Segment>(this.#store, name, Segment, { number, deliveries: [] });
  }
}
