import { context, SpanKind, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from "@opentelemetry/sdk-trace";
import { afterEach, expect, test } from "vitest";
import type { RecordedEvent } from "../../src/events/events.ts";
import { serviceOn } from "./service.ts";

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const CALLER = `00-${TRACE}-b7ad6b7169203331-01`;
const training = { task: "classification", algorithm: "svm", metrics: { f1: 0.9 } };
const models = "/v1/projects/Digits/models";

const exporter = new InMemorySpanExporter();
context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
trace.setGlobalTracerProvider(new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] }));
afterEach(() => exporter.reset());

/** The spans that have ended. */
function spans(): readonly {
  readonly name: string;
  readonly kind: SpanKind;
  readonly id: string;
  readonly parent: string | undefined;
  readonly trace: string;
  readonly attributes: Readonly<Record<string, unknown>>;
}[] {
  return exporter.getFinishedSpans().map((span) => ({
    name: span.name,
    kind: span.kind,
    id: span.spanContext().spanId,
    parent: span.parentSpanContext?.spanId,
    trace: span.spanContext().traceId,
    attributes: span.attributes,
  }));
}

/** The first event that a new durable subscription is given, inside of `look`. */
function firstEvent(ledger: Awaited<ReturnType<typeof serviceOn>>["ledger"], look: () => void = () => undefined) {
  const stop = new AbortController();
  const { promise, resolve } = Promise.withResolvers<RecordedEvent>();
  const done = ledger.subscriptions.run({
    name: "mirror",
    signal: stop.signal,
    async handle(event) {
      look();
      resolve(event);
    },
  });
  return promise.finally(async () => {
    stop.abort();
    await done;
  });
}

test("one trace leads from the caller through request, command and append to the subscriber", async () => {
  await using service = await serviceOn();
  await service.ask("POST", models, training, { traceparent: CALLER, tracestate: "vendor=1" });
  let inside: string | undefined;
  const event = await firstEvent(service.ledger, () => {
    inside = trace.getActiveSpan()?.spanContext().traceId;
  });
  const found = (name: string) => spans().find((span) => span.name === name);
  const request = found("POST /v1/projects/:project/models");
  const command = found("RecordTraining");
  const append = found("append");
  const handled = found("handle mirror");
  expect(request).toMatchObject({ kind: SpanKind.SERVER, parent: "b7ad6b7169203331" });
  expect(request?.attributes).toMatchObject({ "http.response.status_code": 201 });
  expect(command?.parent).toBe(request?.id);
  expect(append?.parent).toBe(command?.id);
  expect(handled).toMatchObject({ kind: SpanKind.CONSUMER, parent: command?.id });
  expect(new Set(spans().map((span) => span.trace))).toEqual(new Set([TRACE]));
  expect(inside).toBe(TRACE);
  expect(event.metadata).toMatchObject({ traceparent: `00-${TRACE}-${command?.id}-01`, tracestate: "vendor=1" });
  expect((await service.ledger.verify()).ok).toBe(true);
});

test("a refusal is told by its code, in the span of the request and of the command", async () => {
  await using service = await serviceOn();
  await service.ask("POST", models, training);
  await service.ask("POST", "/v1/projects/Digits/deployments", { strategy: "rollback" });
  for (const name of ["POST /v1/projects/:project/deployments", "Deploy"]) {
    const span = spans().find((each) => each.name === name);
    expect(span?.attributes).toMatchObject({ "error.type": "NO_PREVIOUS_DEPLOYMENT" });
  }
});

test("probes make no spans", async () => {
  await using service = await serviceOn();
  await service.ask("GET", "/healthz");
  await service.ask("GET", "/readyz");
  expect(spans()).toEqual([]);
});
