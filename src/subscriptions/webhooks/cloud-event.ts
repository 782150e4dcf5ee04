import type { RecordedEvent } from "../../events/events.ts";

export const CLOUD_EVENT_TYPE = "application/cloudevents+json; charset=utf-8";

/**
 * The body of a delivery: a CloudEvent 1.0 in the structured mode. Made of the recorded event alone, so that each attempt,
 * also years later, has the same bytes. Extension attributes are in lower case, as CloudEvents wants them.
 */
export function cloudEvent({ id, type, data, metadata, revision, position, recordedAt }: RecordedEvent): string {
  return JSON.stringify({
    specversion: "1.0",
    id,
    source: `/projects/${encodeURIComponent(data.project)}`,
    type: `model-ledger.${type}`,
    subject: data.project,
    time: recordedAt,
    datacontenttype: "application/json",
    position,
    revision: String(revision),
    actor: metadata.actor,
    ...(metadata.reason !== undefined && { reason: metadata.reason }),
    correlationid: metadata.correlationId,
    ...(metadata.traceparent !== undefined && { traceparent: metadata.traceparent }),
    ...(metadata.tracestate !== undefined && { tracestate: metadata.tracestate }),
    data,
  });
}
