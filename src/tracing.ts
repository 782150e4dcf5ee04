import { AsyncLocalStorage } from "node:async_hooks";
import {
  type Attributes,
  type Context,
  context,
  createTraceState,
  isSpanContextValid,
  ProxyTracerProvider,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
} from "@opentelemetry/api";
import { LedgerError } from "./errors.ts";

/**
 * Traces, by the OpenTelemetry API alone. Where the program registered no SDK nothing is recorded, and what a caller said
 * of its trace is handed on all the same: to the events, and from them to whoever is told of them.
 */
export { SpanKind };

/** W3C Trace Context, as headers and as the metadata of an event. */
export interface TraceFields {
  readonly traceparent: string;
  readonly tracestate?: string;
}

export interface SpanOptions {
  readonly kind?: SpanKind;
  readonly attributes?: Attributes;
  /** The trace that it goes on, unless it is inside one already. */
  readonly cause?: { readonly [Field in keyof TraceFields]?: string | undefined };
}

const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:$|-)/;
const NOTHING: Partial<TraceFields> = {};

const NAME = "model-ledger";
const tracer = trace.getTracer(NAME);
/** Without an SDK the API forgets which context is active. */
const handedOn = new AsyncLocalStorage<Context>();

function active(): Context {
  const current = context.active();
  return current === ROOT_CONTEXT ? (handedOn.getStore() ?? current) : current;
}

/** Calls `work` inside the context. */
function within<Result>(inner: Context, work: () => Result): Result {
  return context.with(inner, () => (context.active() === inner ? work() : handedOn.run(inner, work)));
}

/** Undefined for what is no valid trace context. */
function contextOf({ traceparent, tracestate }: NonNullable<SpanOptions["cause"]>): Context | undefined {
  const [, traceId = "", spanId = "", flags = ""] = TRACEPARENT.exec(traceparent ?? "") ?? [];
  const spanContext = {
    traceId,
    spanId,
    traceFlags: Number.parseInt(flags, 16) & 1,
    isRemote: true,
    ...(tracestate !== undefined && { traceState: createTraceState(tracestate) }),
  };
  return isSpanContextValid(spanContext) ? trace.setSpanContext(ROOT_CONTEXT, spanContext) : undefined;
}

/** The trace that the caller is in; empty outside any. */
export function currentTrace(): Partial<TraceFields> {
  const spanContext = trace.getSpanContext(active());
  if (!spanContext || !isSpanContextValid(spanContext)) return NOTHING;
  const { traceId, spanId, traceFlags, traceState } = spanContext;
  const tracestate = traceState?.serialize();
  return {
    traceparent: `00-${traceId}-${spanId}-${(traceFlags & 1).toString(16).padStart(2, "0")}`,
    ...(tracestate && { tracestate }),
  };
}

/** Whether the program registered an SDK: without, there are only the traces that callers name. */
export function hasSdk(): boolean {
  const provider = trace.getTracerProvider();
  return !(provider instanceof ProxyTracerProvider) || provider.getDelegateTracer(NAME) !== undefined;
}

/** A span that is begun in one place and ended in another. */
export interface OpenSpan {
  /** Calls `work` inside the span. */
  readonly within: <Result>(work: () => Result) => Result;
  readonly end: (attributes: Attributes, failed: boolean) => void;
}

/** Undefined where there is neither an SDK nor a trace to hand on. */
export function openSpan(name: string, options: SpanOptions = {}): OpenSpan | undefined {
  const { span, outer } = begun(name, options);
  if (!isSpanContextValid(span.spanContext())) return undefined;
  const inner = trace.setSpan(outer, span);
  return {
    within: (work) => within(inner, work),
    end(results, failed) {
      span.setAttributes(results);
      if (failed) span.setStatus({ code: SpanStatusCode.ERROR });
      span.end();
    },
  };
}

/** Does `work` in a span of its own, which takes on what it rejects with. */
export function inSpan<Result>(name: string, options: SpanOptions, work: () => Promise<Result>): Promise<Result> {
  const { span, outer } = begun(name, options);
  if (!isSpanContextValid(span.spanContext())) return work();
  return within(trace.setSpan(outer, span), () => (span.isRecording() ? recorded(span, work) : work()));
}

function begun(name: string, { kind = SpanKind.INTERNAL, attributes = {}, cause }: SpanOptions) {
  const current = active();
  const outer = cause && !trace.getSpanContext(current) ? (contextOf(cause) ?? current) : current;
  return { span: tracer.startSpan(name, { kind, attributes }, outer), outer };
}

async function recorded<Result>(span: Span, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    const type = error instanceof LedgerError ? error.code : error instanceof Error ? error.name : "unknown";
    span.setAttribute("error.type", type);
    span.setStatus({ code: SpanStatusCode.ERROR, message: error instanceof Error ? error.message : String(error) });
    throw error;
  } finally {
    span.end();
  }
}
