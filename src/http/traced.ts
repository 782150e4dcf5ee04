import type { FastifyInstance, FastifyRequest } from "fastify";
import { type OpenSpan, openSpan, SpanKind } from "../tracing.ts";

const SERVER_FAULT = 500;

/** Every request goes on the trace that its `traceparent` names, in a span of its own; probes stay out of it. */
export function traceRequests(app: FastifyInstance): void {
  const spans = new WeakMap<FastifyRequest, OpenSpan>();

  app.addHook("onRequest", (request, _reply, done) => {
    const { config, url: route = "unknown" } = request.routeOptions;
    if (config?.needs === "nothing") return done();
    const { traceparent, tracestate } = request.headers;
    const span = openSpan(`${request.method} ${route}`, {
      kind: SpanKind.SERVER,
      attributes: { "http.request.method": request.method, "http.route": route },
      ...(typeof traceparent === "string" && {
        cause: { traceparent, ...(tracestate !== undefined && { tracestate: String(tracestate) }) },
      }),
    });
    if (span === undefined) return done();
    spans.set(request, span);
    span.within(done);
  });

  // A body arrives outside of what was begun before it was read.
  app.addHook("preValidation", (request, _reply, done) => {
    const span = spans.get(request);
    if (span === undefined) done();
    else span.within(done);
  });

  app.addHook("onResponse", (request, { statusCode }, done) => {
    const code = request.problemCode === undefined ? {} : { "error.type": request.problemCode };
    spans.get(request)?.end({ "http.response.status_code": statusCode, ...code }, statusCode >= SERVER_FAULT);
    done();
  });
}
