import { z } from "zod";
import { validated } from "../../domain/commands.ts";
import { LedgerError } from "../../errors.ts";
import type { RecordedEvent } from "../../events/events.ts";
import { recorded } from "../../events/stored.ts";
import type { Runtime } from "../../runtime.ts";
import type { EventStore } from "../../store/event-store.ts";
import { KeptDocument } from "../kept-document.ts";
import type { Observation } from "../reader.ts";
import type { SubscriptionSummary, Subscriptions } from "../subscriptions.ts";
import { deliverToAll, forget, type MakeSend, subscriptionOf, unlessNotFound } from "./delivering.ts";
import { deliver } from "./delivery.ts";
import { type Delivery, type DeliveryAttempt, DeliveryLog } from "./delivery-log.ts";
import { deliveriesTo, newestFirst, type WebhookDelivery } from "./newest-first.ts";
import { Webhook, WebhookInput, type WebhookSummary, withoutSecret } from "./registration.ts";
import { newSecret } from "./signature.ts";

/** A webhook and how far it is. */
export interface WebhookStatus extends WebhookSummary {
  /** Events delivered or parked so far. */
  readonly finished: number;
  readonly parked: number;
  /** The process that delivers, if one does. */
  readonly reader?: string;
  readonly trying?: SubscriptionSummary["trying"];
}

export interface DeliveriesFilter {
  readonly id?: string | undefined;
  /** Only those that were not delivered yet, or never. */
  readonly failed?: boolean | undefined;
}

export interface RedeliverOptions {
  readonly signal?: AbortSignal;
  /** Says what would be sent and sends nothing. */
  readonly dryRun?: boolean;
}

/** What came of sending an event once more: an attempt or an error, neither in a dry run. */
export interface Redelivery {
  readonly webhook: string;
  readonly eventId: string;
  readonly attempt?: DeliveryAttempt;
  readonly error?: string;
}

export interface WebhookRun {
  readonly signal?: AbortSignal;
  /** Told of every delivery, by webhook. */
  readonly observe?: (webhook: WebhookSummary, observation: Observation) => void;
}

/** Who is told of events over HTTP. On durable subscriptions: what is recorded while nobody delivers is delivered later. */
export class Webhooks {
  readonly #store: EventStore;
  readonly #runtime: Runtime;
  readonly #subscriptions: Subscriptions;
  readonly #webhooks: KeptDocument<readonly Webhook[]>;
  readonly #makeSend: MakeSend;
  readonly #closing = new AbortController();
  readonly #runs = new Set<Promise<void>>();

  constructor(store: EventStore, runtime: Runtime, subscriptions: Subscriptions, makeSend: MakeSend) {
    this.#store = store;
    this.#runtime = runtime;
    this.#subscriptions = subscriptions;
    this.#webhooks = new KeptDocument(store, "webhooks", z.array(Webhook), []);
    this.#makeSend = makeSend;
  }

  /**
   * Sends every matching event that is recorded from now on to `url`. The secret, which the receiver needs to verify the
   * signatures, is told this one time.
   * @throws {LedgerError} INVALID_INPUT, also for a private address unless `allowPrivate`.
   */
  async add(input: WebhookInput): Promise<WebhookSummary & { readonly secret: string }> {
    const { secret = newSecret(), dryRun, ...rest } = validated(WebhookInput, input, "webhook");
    const webhook: Webhook = {
      ...rest,
      id: this.#runtime.newId(),
      secret,
      from: await this.#end(),
      addedAt: new Date(this.#runtime.now()).toISOString(),
      addedBy: this.#runtime.actor,
    };
    if (!dryRun) await this.#webhooks.change((all) => [...all, webhook]);
    return { ...withoutSecret(webhook), secret };
  }

  async list(): Promise<readonly WebhookStatus[]> {
    const [{ content }, all] = await Promise.all([this.#webhooks.read(), this.#subscriptions.list()]);
    return content.map((webhook) => {
      const found = all.find(({ name }) => name === subscriptionOf(webhook.id));
      const { finished = 0, parked = 0, reader, trying } = found ?? {};
      const progress = { finished, parked, ...(reader !== undefined && { reader }), ...(trying && { trying }) };
      return { ...withoutSecret(webhook), ...progress };
    });
  }

  /**
   * Sends it nothing more; what was not delivered yet never is. A dry run only says which it is.
   * @throws {LedgerError} WEBHOOK_NOT_FOUND
   */
  async remove(id: string, { dryRun = false }: { readonly dryRun?: boolean } = {}): Promise<WebhookSummary> {
    const removed = await this.#find(id);
    if (dryRun) return withoutSecret(removed);
    await this.#webhooks.change((all) => all.filter((webhook) => webhook.id !== id));
    await forget(this.#subscriptions, id);
    return withoutSecret(removed);
  }

  /** The last deliveries of one webhook, or of all, the newest first. @throws {LedgerError} WEBHOOK_NOT_FOUND */
  async *deliveries({ id, failed = false }: DeliveriesFilter = {}): AsyncGenerator<WebhookDelivery> {
    const webhooks = id === undefined ? (await this.#webhooks.read()).content : [await this.#find(id)];
    const logs = webhooks.map((webhook) => deliveriesTo(webhook.id, new DeliveryLog(this.#store, webhook.id)));
    for await (const delivery of newestFirst(logs)) if (!failed || !delivery.isDelivered) yield delivery;
  }

  /**
   * Sends events of the delivery log once more, at once and from here: those named, or all that failed. One that was
   * parked and is delivered now is parked no longer. A dry run only says which they are.
   * @throws {LedgerError} WEBHOOK_NOT_FOUND, also for an event that its log does not hold.
   */
  async *redeliver(
    id: string,
    eventIds?: readonly string[],
    { signal, dryRun = false }: RedeliverOptions = {},
  ): AsyncGenerator<Redelivery> {
    const webhook = await this.#find(id);
    const log = new DeliveryLog(this.#store, id);
    const found: Delivery[] = [];
    for await (const delivery of log.all()) {
      if (eventIds?.includes(delivery.eventId) ?? !delivery.isDelivered) found.unshift(delivery);
    }
    const missing = eventIds?.find((wanted) => !found.some(({ eventId }) => eventId === wanted));
    if (missing !== undefined) {
      throw new LedgerError("WEBHOOK_NOT_FOUND", `the log of webhook ${id} has no delivery of event ${missing}`, {
        id,
      });
    }
    if (dryRun) {
      yield* found.map(({ eventId }) => ({ webhook: id, eventId }));
      return;
    }
    const { send, close } = await this.#makeSend();
    const ended = signal ?? this.#closing.signal;
    try {
      for (const delivery of found) {
        const event = await this.#eventOf(delivery);
        const { eventId } = delivery;
        try {
          const attempt = await deliver(webhook, event, "once more", ended, { runtime: this.#runtime, send, log });
          await this.#unpark(id, eventId);
          yield { webhook: id, eventId, attempt };
        } catch (error) {
          if (ended.aborted || error instanceof LedgerError) throw error;
          yield { webhook: id, eventId, error: error instanceof Error ? error.message : String(error) };
        }
      }
    } finally {
      await close();
    }
  }

  /**
   * Delivers to all webhooks, each in order and apart from the others, until `signal` aborts or the ledger closes. Any
   * number of processes may run it: one delivers to a webhook at a time.
   */
  async run({ signal, observe = () => undefined }: WebhookRun = {}): Promise<void> {
    const ended = signal ? AbortSignal.any([signal, this.#closing.signal]) : this.#closing.signal;
    const run = deliverToAll(
      { store: this.#store, runtime: this.#runtime, subscriptions: this.#subscriptions, webhooks: this.#webhooks },
      { makeSend: this.#makeSend, observe, ended },
    );
    const settled = run.catch(() => undefined);
    this.#runs.add(settled);
    try {
      await run;
    } finally {
      this.#runs.delete(settled);
    }
  }

  /** Ends what runs here, each after the delivery that is under way. */
  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.all(this.#runs);
  }

  async #find(id: string): Promise<Webhook> {
    const { content } = await this.#webhooks.read();
    const found = content.find((webhook) => webhook.id === id);
    if (found) return found;
    const known = content.length === 0 ? "there is none" : `there are ${content.map((each) => each.id).join(", ")}`;
    throw new LedgerError("WEBHOOK_NOT_FOUND", `no webhook "${id}": ${known}`, { id });
  }

  async #end(): Promise<string> {
    for await (const { position } of this.#store.readAll({ direction: "backwards", maxCount: 1 })) return position;
    return "start";
  }

  async #eventOf({ stream, revision, eventId }: Delivery): Promise<RecordedEvent> {
    for await (const stored of this.#store.readStream(stream, { from: revision, maxCount: 1 })) {
      if (stored.id === eventId) return recorded(stored);
    }
    throw new LedgerError("CORRUPT", `event ${eventId} is not at revision ${revision} of "${stream}"`, { eventId });
  }

  async #unpark(id: string, eventId: string): Promise<void> {
    await this.#subscriptions.dropParked(subscriptionOf(id), [eventId]).catch(unlessNotFound);
  }
}
