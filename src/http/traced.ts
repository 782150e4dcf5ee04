import type { FastifyInstance } from "fastify";
import { hasSdk, type OpenSpan, openSpan, SpanKind } from "../tracing.ts";

const SERVER_FAULT = 500;

declare module "fastify" {
  interface FastifyRequest {
    span: OpenSpan | undefined;
  }
}

/** Every request goes on the trace that its `traceparent` names, in a span of its own; probes stay out of it. */
export function traceRequests(app: FastifyInstance): void {
  app.decorateRequest("span", undefined);

  app.addHook("onRequest", (request, _reply, done) => {
    const { traceparent, tracestate } = request.headers;
    if (traceparent === undefined && !hasSdk()) return done();
    const { config, url: route = "unknown" } = request.routeOptions;
    if (config?.needs === "nothing") return done();
    request.span = openSpan(`${request.method} ${route}`, {
      kind: SpanKind.SERVER,
      attributes: { "http.request.method": request.method, "http.route": route },
      ...(typeof traceparent === "string" && {
        cause: { traceparent, ...(tracestate !== undefined && { tracestate: String(tracestate) }) },
      }),
    });
    if (request.span === undefined) done();
    else request.span.within(done);
  });

  // A body arrives outside of what was begun before it was read.
  app.addHook("preValidation", ({ span }, _reply, done) => {
    if (span === undefined) done();
    else span.within(done);
  });

  app.addHook("onResponse", ({ span, problemCode }, { statusCode }, done) => {
    if (span === undefined) return done();
    const code = problemCode === undefined ? {} : { "error.type": problemCode };
    span.end({ "http.response.status_code": statusCode, ...code }, statusCode >= SERVER_FAULT);
    done();
  });
}
