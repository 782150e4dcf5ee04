import { z } from "zod";
import { validated } from "../../domain/commands.ts";
import { LedgerError } from "../../errors.ts";
import type { RecordedEvent } from "../../events/events.ts";
import { recorded } from "../../events/stored.ts";
import { pause, type Runtime } from "../../runtime.ts";
import type { EventStore } from "../../store/event-store.ts";
import { KeptDocument } from "../kept-document.ts";
import type { Observation } from "../reader.ts";
import type { SubscriptionSummary, Subscriptions } from "../subscriptions.ts";
import { deliver } from "./delivery.ts";
import { type Delivery, type DeliveryAttempt, DeliveryLog } from "./delivery-log.ts";
import { Webhook, WebhookInput, type WebhookSummary, withoutSecret } from "./registration.ts";
import type { Send } from "./send.ts";
import { newSecret } from "./signature.ts";

/** A receiver that stays away is tried for about two hours before the first event is parked. */
const MAX_ATTEMPTS = 20;
const BACK_OFF = { firstMs: 1_000, maxMs: 600_000 };
/** A killed service is replaced within this. */
const LEASE_MS = 5_000;
/** Webhooks that another process added or removed are noticed within this. */
const LOOK_MS = 1_000;

/** A webhook and how far it is. */
export interface WebhookStatus extends WebhookSummary {
  /** Events delivered or parked so far. */
  readonly finished: number;
  readonly parked: number;
  /** The process that delivers, if one does. */
  readonly reader?: string;
  readonly trying?: SubscriptionSummary["trying"];
}

export interface WebhookDelivery extends Delivery {
  readonly webhook: string;
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

/** The subscription that delivers to a webhook. */
export const subscriptionOf = (id: string): string => `webhook.${id}`;

/** Who is told of events over HTTP. On durable subscriptions: what is recorded while nobody delivers is delivered later. */
export class Webhooks {
  readonly #store: EventStore;
  readonly #runtime: Runtime;
  readonly #subscriptions: Subscriptions;
  readonly #webhooks: KeptDocument<readonly Webhook[]>;
  readonly #makeSend: () => Promise<{ readonly send: Send; readonly close: () => Promise<void> }>;
  readonly #closing = new AbortController();
  readonly #runs = new Set<Promise<void>>();

  constructor(
    store: EventStore,
    runtime: Runtime,
    subscriptions: Subscriptions,
    makeSend: () => Promise<{ readonly send: Send; readonly close: () => Promise<void> }>,
  ) {
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
    await this.#forget(id);
    return withoutSecret(removed);
  }

  /** The last deliveries of one webhook, or of all, the newest first. @throws {LedgerError} WEBHOOK_NOT_FOUND */
  async *deliveries({ id, failed = false }: DeliveriesFilter = {}): AsyncGenerator<WebhookDelivery> {
    const webhooks = id === undefined ? (await this.#webhooks.read()).content : [await this.#find(id)];
    for (const webhook of webhooks) {
      for await (const delivery of new DeliveryLog(this.#store, webhook.id).all()) {
        if (!failed || !delivery.isDelivered) yield { webhook: webhook.id, ...delivery };
      }
    }
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
    const run = this.#run(observe, ended);
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

  async #run(observe: NonNullable<WebhookRun["observe"]>, ended: AbortSignal): Promise<void> {
    const running = new Map<string, { readonly stop: AbortController; readonly done: Promise<void> }>();
    const failed = new AbortController();
    const { send, close } = await this.#makeSend();
    const stop = AbortSignal.any([ended, failed.signal]);
    const begin = (webhook: Webhook): void => {
      const own = new AbortController();
      const done = this.#deliverTo(webhook, send, AbortSignal.any([stop, own.signal]), observe);
      running.set(webhook.id, { stop: own, done: done.catch((error: unknown) => failed.abort(error)) });
    };
    try {
      while (!stop.aborted) {
        const webhooks = await this.#known();
        for (const webhook of webhooks ?? []) if (!running.has(webhook.id)) begin(webhook);
        for (const [id, { stop: own, done }] of running) {
          if (!webhooks || webhooks.some((webhook) => webhook.id === id)) continue;
          own.abort();
          await done;
          await this.#forget(id);
          running.delete(id);
        }
        await pause(LOOK_MS, this.#runtime, stop);
      }
    } finally {
      await Promise.all([...running.values()].map(({ done }) => done));
      await close();
    }
    if (failed.signal.aborted) throw failed.signal.reason;
  }

  /** Undefined while the store is away: they are looked for again. */
  async #known(): Promise<readonly Webhook[] | undefined> {
    try {
      return (await this.#webhooks.read()).content;
    } catch (error) {
      if (error instanceof LedgerError && error.code === "STORE_UNAVAILABLE") return undefined;
      throw error;
    }
  }

  #deliverTo(
    webhook: Webhook,
    send: Send,
    signal: AbortSignal,
    observe: NonNullable<WebhookRun["observe"]>,
  ): Promise<void> {
    const { id, project, types, environment, from } = webhook;
    const log = new DeliveryLog(this.#store, id);
    const shown = withoutSecret(webhook);
    return this.#subscriptions.run({
      name: subscriptionOf(id),
      from,
      ...(project !== undefined && { project }),
      ...(types && { types }),
      ...(environment !== undefined && { environment }),
      maxAttempts: MAX_ATTEMPTS,
      maxDeaths: Number.POSITIVE_INFINITY, // no event can kill who delivers it
      backOff: BACK_OFF,
      leaseMs: LEASE_MS,
      signal,
      observe: (observation) => observe(shown, observation),
      handle: async (event, attempt) => {
        const turn = attempt.number > MAX_ATTEMPTS ? "once more" : "in its turn"; // it was parked
        await deliver(webhook, event, turn, attempt.signal, { runtime: this.#runtime, send, log });
      },
    });
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
    await this.#subscriptions.dropParked(subscriptionOf(id), [eventId]).catch(unlessNeverRun);
  }

  async #forget(id: string): Promise<void> {
    await this.#subscriptions.remove(subscriptionOf(id)).catch((error: unknown) => {
      if (error instanceof LedgerError && error.code === "CONFLICT") return; // its reader will do it
      unlessNeverRun(error);
    });
  }
}

/** A webhook that nobody delivered to has no subscription yet. */
function unlessNeverRun(error: unknown): void {
  if (!(error instanceof LedgerError) || error.code !== "SUBSCRIPTION_NOT_FOUND") throw error;
}
