import type { RecordedEvent } from "../../events/events.ts";
import type { Runtime } from "../../runtime.ts";
import { currentTrace, inSpan, SpanKind } from "../../tracing.ts";
import { CLOUD_EVENT_TYPE, cloudEvent } from "./cloud-event.ts";
import type { DeliveryAttempt, DeliveryLog } from "./delivery-log.ts";
import type { Webhook } from "./registration.ts";
import type { Answer, Send } from "./send.ts";
import { signedHeaders } from "./signature.ts";

/** A receiver that has not answered by then is taken not to have received it. */
const TIMEOUT_MS = 15_000;
const MAX_RETRY_AFTER_MS = 3_600_000;
const MS = 1_000;

/** An attempt that failed; `retryAfterMs` when the receiver said when to come again. */
export class DeliveryFailed extends Error {
  readonly retryAfterMs: number | undefined;

  constructor(message: string, retryAfterMs?: number) {
    super(message);
    this.retryAfterMs = retryAfterMs === undefined ? undefined : Math.min(retryAfterMs, MAX_RETRY_AFTER_MS);
  }
}

interface Parts {
  readonly runtime: Runtime;
  readonly send: Send;
  readonly log: DeliveryLog;
}

/**
 * Sends the event once and writes down how that went. The id and the bytes are those of every other attempt; only the
 * time, and with it the signature, is this attempt's own.
 * @throws {DeliveryFailed} unless the answer is a 2xx.
 */
export async function deliver(
  webhook: Webhook,
  event: RecordedEvent,
  turn: "in its turn" | "once more",
  signal: AbortSignal,
  { runtime, send, log }: Parts,
): Promise<DeliveryAttempt> {
  const begun = runtime.now();
  const timeout = new AbortController();
  const stopTimer = runtime.after(TIMEOUT_MS, () => timeout.abort());
  let answer: Answer | undefined;
  let failure: DeliveryFailed | undefined;
  try {
    const body = cloudEvent(event);
    const message = { id: event.id, timestamp: Math.floor(begun / MS), body };
    const headers = {
      ...signedHeaders(message, webhook.secret),
      "content-type": CLOUD_EVENT_TYPE,
      "user-agent": "model-ledger",
    };
    const { url, allowPrivate } = webhook;
    const ended = AbortSignal.any([signal, timeout.signal]);
    const attributes = { "http.request.method": "POST", "server.address": new URL(url).hostname };
    answer = await inSpan("POST", { kind: SpanKind.CLIENT, attributes, cause: event.metadata }, () =>
      send({ url, headers: { ...headers, ...currentTrace() }, body, allowPrivate }, ended),
    );
    failure = failureIn(answer);
  } catch (error) {
    if (signal.aborted) throw error; // neither delivered nor refused: it is sent again
    const why = error instanceof Error ? error.message : String(error);
    failure = new DeliveryFailed(timeout.signal.aborted ? `no answer within ${TIMEOUT_MS / MS} s` : why);
  } finally {
    stopTimer();
  }
  const attempt: DeliveryAttempt = {
    at: new Date(begun).toISOString(),
    durationMs: runtime.now() - begun,
    ...(answer && { status: answer.status }),
    ...(failure && { error: failure.message }),
  };
  const { id, type, stream, revision, position } = event;
  await log.record({ eventId: id, type, stream, revision, position }, attempt, turn);
  if (failure) throw failure;
  return attempt;
}

function failureIn({ status, retryAfterMs }: Answer): DeliveryFailed | undefined {
  if (status >= 200 && status < 300) return undefined;
  const hint = status >= 300 && status < 400 ? ", and redirects are not followed" : "";
  return new DeliveryFailed(`the receiver answered ${status}${hint}`, retryAfterMs);
}
