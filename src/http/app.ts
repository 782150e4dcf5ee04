import type { IncomingHttpHeaders } from "node:http";
import rateLimit from "@fastify/rate-limit";
import underPressure from "@fastify/under-pressure";
import Fastify, {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyPluginAsync,
  type FastifyReply,
  type FastifyRequest,
  LogController,
} from "fastify";
import { LRUCache } from "lru-cache";
import type { z } from "zod";
import { type Access, OPEN_ACCESS } from "../access/access.ts";
import { ANYBODY } from "../access/scopes.ts";
import type { ServedLedger } from "../api/served-ledger.ts";
import { validated } from "../domain/commands.ts";
import { LedgerError } from "../errors.ts";
import { parseIJson } from "../events/parse-json.ts";
import { Metrics } from "../observability/metrics.ts";
import { type Runtime, systemRuntime } from "../runtime.ts";
import { auditRoutes } from "./audit-routes.ts";
import { authorize, stillAuthorized } from "./caller.ts";
import { commandRoutes } from "./command-routes.ts";
import { Connections } from "./connections.ts";
import { documentation } from "./documentation.ts";
import { EventStreams } from "./event-streams.ts";
import { eventsRoute } from "./events-route.ts";
import { jsonOf } from "./json.ts";
import { KnownMethods } from "./known-methods.ts";
import { RequestObserver } from "./observed.ts";
import { operationsRoutes } from "./operations-routes.ts";
import { answerFailure, sendProblem } from "./problem.ts";
import { queryRoutes } from "./query-routes.ts";
import { SAFETY_OF_DATA } from "./safety-headers.ts";
import { refuseStrangers } from "./same-site.ts";
import { partsOf } from "./target.ts";
import { tokenRoute } from "./token-route.ts";
import { traceRequests } from "./traced.ts";
import { unreadableAnswerer } from "./unreadable.ts";

const DEFAULT_MAX_BODY_BYTES = 1_048_576;
/** CONTRACT §10: a thousand requests in ten seconds pass; what a client asks beside them must not be the last straw. */
const DEFAULT_RATE = { max: 1_200, windowMs: 10_000 } as const;
const DEFAULT_HEARTBEAT_MS = 15_000;
/** Behind by so much, the process answers nobody in time: it says so instead. */
const MAX_EVENT_LOOP_DELAY_MS = 5_000;
/** A request that is on its way when the service begins to end has this long to arrive. */
const GRACE_MS = 1_000;
/** A request has this long to come whole; Node looks every 30 s. */
const MAX_REQUEST_MS = 60_000;
/** A project's name of 200 characters in the longest UTF-8, escaped. */
const MAX_PARAMETER_LENGTH = 200 * 4 * 3;
/** So many paths, and so many queries, of each route; long ones, cursors mostly, do not come again. */
const MAX_VALIDATED = 1_000;
const MAX_VALIDATED_LENGTH = 256;
const QUIET_LEVELS: ReadonlySet<string> = new Set(["warn", "error", "fatal", "silent"]);
const REQUEST_ID = /^[\w.:-]{1,128}$/;

export interface HttpOptions {
  /** Shown in the documentation. */
  readonly version?: string;
  /** Who may do what. Default: everybody everything. */
  readonly access?: Access;
  /** The Host names that requests may come under; default any. What else comes was led here by somebody's DNS. */
  readonly hosts?: readonly string[];
  /** Requests that one client may make in a window; false for no limit. Default: 1,200 in 10 s. */
  readonly rate?: { readonly max: number; readonly windowMs: number } | false;
  readonly maxBodyBytes?: number;
  readonly heartbeatMs?: number;
  readonly logger?: FastifyBaseLogger;
  readonly runtime?: Runtime;
  /** Aborts when the service begins to end: event streams are ended, `/readyz` says so. */
  readonly draining?: AbortSignal;
  /** More routes: the page and whatever else is served beside the API. Registered last, at `/`. */
  readonly page?: FastifyPluginAsync;
}

/**
 * The service over `ledger`, built but not listening. A function is asked for the ledger by each request: it may throw
 * STORE_UNAVAILABLE while the store is not there yet.
 */
export async function httpApp(
  ledger: ServedLedger | (() => ServedLedger),
  options: HttpOptions = {},
): Promise<FastifyInstance> {
  const { access = OPEN_ACCESS, hosts, rate = DEFAULT_RATE, runtime = systemRuntime() } = options;
  const find = typeof ledger === "function" ? ledger : () => ledger;
  const metrics = new Metrics();
  const requestId = requestIds(runtime);
  const app: FastifyInstance = Fastify({
    ...(options.logger && { loggerInstance: quieter(options.logger) }),
    logController: new LogController({ disableRequestLogging: true }),
    // A line names its request by itself: to make a logger for each request took longer than to write the line.
    childLoggerFactory: (logger) => logger,
    bodyLimit: options.maxBodyBytes ?? DEFAULT_MAX_BODY_BYTES,
    requestTimeout: MAX_REQUEST_MS,
    routerOptions: { maxParamLength: MAX_PARAMETER_LENGTH },
    genReqId: requestId,
    http: { requireHostHeader: false }, // refused by a hook, in the form of every other refusal
    // A path that is not well-formed belongs to no route: no hook sees it.
    frameworkErrors: (error, request, reply) => {
      mark(request, reply);
      reply.raw.once("finish", () => observer.answered(request, reply));
      return answerFailure(error, request, reply);
    },
    clientErrorHandler: (error, socket) => answerUnreadable(error, socket),
    return503OnClosing: false, // what a kept connection still asks is answered
  });
  app.decorateRequest("caller");
  app.decorateRequest("asOf", Number.NaN);
  app.decorateRequest("problemCode", undefined);
  const connections = new Connections(app.server);
  app.addHook("preClose", async () => {
    // Whoever keeps a connection may ask over it before they see its end: they are answered, and told to let it go.
    await connections.allGone(runtime, GRACE_MS);
    // Browsers and connection pools open some in advance: Node would wait a minute for their first request, or its rest.
    runtime.after(GRACE_MS, () => connections.endIdle());
  });
  const methods = new KnownMethods(app);
  traceRequests(app);
  const observer = new RequestObserver(metrics, options.logger ?? app.log);
  app.addHook("onResponse", (request, reply, done) => {
    observer.answered(request, reply);
    done();
  });
  const answerUnreadable = unreadableAnswerer(
    connections,
    () => requestId({ headers: {} }),
    (problem) => observer.unreadable(problem),
  );
  app.setErrorHandler(answerFailure);
  app.setNotFoundHandler(async (request, reply) => {
    if (request.url.startsWith("/v1")) await access.caller(request.headers.authorization);
    const allowed = methods.at(request.url);
    if (allowed.length > 0) {
      reply.header("allow", allowed.join(", "));
      const detail = `there is no ${request.method} here, only ${allowed.join(", ")}`;
      return sendProblem(request, reply, { status: 405, code: "METHOD_NOT_ALLOWED", detail });
    }
    const detail = `there is no ${request.method} ${partsOf(request.url).path}: /openapi.json lists what there is`;
    return sendProblem(request, reply, { status: 404, code: "NOT_FOUND", detail });
  });
  app.setValidatorCompiler(({ schema, httpPart }) => {
    // Bodies are commands: the ledger validates those itself, by the same schemas. Headers are read where they matter.
    if (httpPart === "body" || httpPart === "headers") return () => true;
    return validator(schema as z.ZodType, httpPart === "params" ? "path" : "query");
  });
  app.setSerializerCompiler(() => jsonOf);
  app.setReplySerializer(jsonOf);
  takeJsonOnly(app);

  app.addHook("onRequest", (request, reply, done) => {
    mark(request, reply);
    request.caller = ANYBODY;
    done();
  });
  app.addHook("onRequest", refuseStrangers(hosts));
  app.addHook("onRequest", authorize(access, find));
  app.addHook("preHandler", stillAuthorized);
  // It takes an interval in which nothing could be measured, after a shorter stall say, for an endless delay.
  await app.register(underPressure, {
    maxEventLoopDelay: MAX_EVENT_LOOP_DELAY_MS,
    sampleInterval: MAX_EVENT_LOOP_DELAY_MS,
  });
  if (rate !== false) {
    await app.register(rateLimit, {
      max: rate.max,
      timeWindow: rate.windowMs,
      keyGenerator: ({ caller, ip }) => caller.name ?? ip,
      errorResponseBuilder: (_, { ttl }) =>
        new LedgerError(
          "RATE_LIMITED",
          `more than ${rate.max} requests within ${rate.windowMs / 1_000} s: try again in ${Math.ceil(ttl / 1_000)} s`,
          { max: rate.max, windowMs: rate.windowMs, retryAfterMs: ttl },
        ),
    });
  }
  await documentation(app, options.version ?? "unknown");

  const draining = options.draining ?? new AbortController().signal;
  const service = { app, ledger: find, runtime, draining };
  commandRoutes(service);
  queryRoutes(service);
  await auditRoutes(service);
  const streams = new EventStreams(service, options.heartbeatMs ?? DEFAULT_HEARTBEAT_MS);
  eventsRoute(service, streams);
  operationsRoutes(service, metrics, streams);
  tokenRoute(service);
  if (options.page) await app.register(options.page);
  return app;
}

/** What every answer carries. */
function mark(request: FastifyRequest, reply: FastifyReply): void {
  reply.headers(SAFETY_OF_DATA).header("x-request-id", request.id);
}

/** The client's own, if it is fit for a log; else one that no other process gives: a UUID and a number. */
function requestIds(runtime: Runtime): (request: { readonly headers: IncomingHttpHeaders }) => string {
  const process = runtime.newId();
  let last = 0;
  return ({ headers }) => {
    const given = headers["x-request-id"];
    if (typeof given === "string" && REQUEST_ID.test(given)) return given;
    last += 1;
    return `${process}-${last}`;
  };
}

/** For the framework, which below a warning says only what we say in our own words. */
const quieter = (logger: FastifyBaseLogger): FastifyBaseLogger =>
  QUIET_LEVELS.has(logger.level) ? logger : logger.child({}, { level: "warn" });

/** Paths and queries come again and again: what one was validated to is kept. */
function validator(schema: z.ZodType, what: string) {
  const known = new LRUCache<string, object>({ max: MAX_VALIDATED });
  return (given: unknown): { value: object } | { error: Error } => {
    const key = keyOf(given as Readonly<Record<string, unknown>>);
    const kept = known.get(key);
    if (kept !== undefined) return { value: kept };
    try {
      const value = Object.freeze(validated(schema, given, what) as object);
      if (key.length <= MAX_VALIDATED_LENGTH) known.set(key, value);
      return { value };
    } catch (error) {
      return { error: error as Error };
    }
  };
}

/** Different for what differs. Most have one name or none: JSON of those took longer than all else of the validation. */
function keyOf(given: Readonly<Record<string, unknown>>): string {
  let key = "";
  for (const name in given) {
    const value = given[name];
    if (key !== "" || typeof value !== "string") return JSON.stringify(given);
    key = `${name.length} ${name}${value}`;
  }
  return key;
}

/** No body is as good as an empty one; any other type than JSON is 415. */
function takeJsonOnly(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("application/json", { parseAs: "string" }, async (_: unknown, body: string | Buffer) => {
    const text = String(body);
    return text === "" ? undefined : objectIn(text);
  });
}

function objectIn(text: string): object {
  let value: unknown;
  try {
    value = parseIJson(text);
  } catch (cause) {
    const why = cause instanceof SyntaxError ? cause.message : "it cannot be read";
    throw new LedgerError(
      "INVALID_INPUT",
      `the body is not JSON as RFC 7493 has it: ${why}`,
      { issues: [] },
      { cause },
    );
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value;
  throw new LedgerError("INVALID_INPUT", "the body must be a JSON object", { issues: [] });
}
