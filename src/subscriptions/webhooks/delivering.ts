import { LedgerError, type LedgerErrorCode } from "../../errors.ts";
import { pause, type Runtime } from "../../runtime.ts";
import type { EventStore } from "../../store/event-store.ts";
import type { KeptDocument } from "../kept-document.ts";
import type { Observation } from "../reader.ts";
import type { Subscriptions } from "../subscriptions.ts";
import { deliver } from "./delivery.ts";
import { DeliveryLog } from "./delivery-log.ts";
import { type Webhook, type WebhookSummary, withoutSecret } from "./registration.ts";
import type { Send } from "./send.ts";

/** A receiver that stays away is tried for about two hours before the first event is parked. */
const MAX_ATTEMPTS = 20;
const BACK_OFF = { firstMs: 1_000, maxMs: 600_000 };
/** A killed service is replaced within this. */
const LEASE_MS = 5_000;
/** Webhooks that another process added or removed are noticed within this. */
const LOOK_MS = 1_000;

export type MakeSend = () => Promise<{ readonly send: Send; readonly close: () => Promise<void> }>;

interface Parts {
  readonly store: EventStore;
  readonly runtime: Runtime;
  readonly subscriptions: Subscriptions;
  readonly webhooks: KeptDocument<readonly Webhook[]>;
}

interface Run {
  readonly makeSend: MakeSend;
  readonly observe: (webhook: WebhookSummary, observation: Observation) => void;
  readonly ended: AbortSignal;
}

/** What delivers to one webhook here. */
interface Running {
  readonly stop: AbortController;
  readonly done: Promise<void>;
}

/** The subscription that delivers to a webhook. */
export const subscriptionOf = (id: string): string => `webhook.${id}`;

/** The webhook that a subscription of this name delivers to; undefined for one that is none of ours. */
const webhookOf = (subscription: string): string | undefined => /^webhook\.([0-9a-f-]{36})$/.exec(subscription)?.[1];

/** Delivers to all webhooks there are, and to those that are added, until `ended` aborts. */
export async function deliverToAll(parts: Parts, { makeSend, observe, ended }: Run): Promise<void> {
  const running = new Map<string, Running>();
  const failed = new AbortController();
  const { send, close } = await makeSend();
  const stop = AbortSignal.any([ended, failed.signal]);
  const begin = (webhook: Webhook): void => {
    const own = new AbortController();
    const shown = withoutSecret(webhook);
    const done = deliverTo(webhook, parts, send, {
      stop: AbortSignal.any([stop, own.signal]),
      onRemoved: () => own.abort(),
      observe: (observation) => observe(shown, observation),
    });
    running.set(webhook.id, { stop: own, done: done.catch((error: unknown) => failed.abort(error)) });
  };
  try {
    while (!stop.aborted) {
      await look(parts, running, begin).catch(unless("STORE_UNAVAILABLE")); // it looks again
      await pause(LOOK_MS, parts.runtime, stop);
    }
  } finally {
    await Promise.all([...running.values()].map(({ done }) => done));
    await close();
  }
  if (failed.signal.aborted) throw failed.signal.reason;
}

/** Begins with those that are new, ends those that were removed, and forgets what whoever delivered to them left. */
async function look(
  { subscriptions, webhooks }: Parts,
  running: Map<string, Running>,
  begin: (webhook: Webhook) => void,
): Promise<void> {
  const names = await subscriptions.names(); // before the webhooks: what is begun later is not taken for left over
  const { content } = await webhooks.read();
  const known = new Set(content.map(({ id }) => id));
  for (const webhook of content) if (!running.has(webhook.id)) begin(webhook);
  for (const [id, { stop, done }] of running) {
    if (known.has(id)) continue;
    stop.abort();
    await done;
    running.delete(id);
  }
  const begun = names.map(webhookOf).filter((id) => id !== undefined);
  for (const id of begun) if (!known.has(id)) await forget(subscriptions, id);
}

interface Delivering {
  readonly stop: AbortSignal;
  /** Aborts `stop`. */
  readonly onRemoved: () => void;
  readonly observe: (observation: Observation) => void;
}

async function deliverTo(
  webhook: Webhook,
  { store, runtime, subscriptions, webhooks }: Parts,
  send: Send,
  { stop, onRemoved, observe }: Delivering,
): Promise<void> {
  const { id, project, types, environment, from } = webhook;
  const log = new DeliveryLog(store, id);
  const running = subscriptions.run({
    name: subscriptionOf(id),
    from,
    ...(project !== undefined && { project }),
    ...(types && { types }),
    ...(environment !== undefined && { environment }),
    maxAttempts: MAX_ATTEMPTS,
    maxDeaths: Number.POSITIVE_INFINITY, // no event can kill who delivers it
    backOff: BACK_OFF,
    leaseMs: LEASE_MS,
    signal: stop,
    observe,
    handle: async (event, attempt) => {
      if (!(await webhooks.read()).content.some((known) => known.id === id)) {
        onRemoved();
        throw new Error("the webhook is removed");
      }
      const turn = attempt.number > MAX_ATTEMPTS ? "once more" : "in its turn"; // it was parked
      await deliver(webhook, event, turn, attempt.signal, { runtime, send, log });
    },
  });
  await running.catch(unlessNotFound); // it was removed
}

/** Where somebody delivers to it, who does forgets it, or the next one when that one was killed. */
export async function forget(subscriptions: Subscriptions, id: string): Promise<void> {
  await subscriptions.remove(subscriptionOf(id)).catch(unless("CONFLICT", "SUBSCRIPTION_NOT_FOUND"));
}

const unless =
  (...codes: readonly LedgerErrorCode[]) =>
  (error: unknown): void => {
    if (!(error instanceof LedgerError && codes.includes(error.code))) throw error;
  };

/** A webhook that nobody delivered to has no subscription yet. */
export const unlessNotFound = unless("SUBSCRIPTION_NOT_FOUND");
