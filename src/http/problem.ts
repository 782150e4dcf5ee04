import { STATUS_CODES } from "node:http";
import type { FastifyReply, FastifyRequest } from "fastify";
import { z } from "zod";
import { LedgerError, type LedgerErrorCode } from "../errors.ts";
import { discreet } from "./discreet.ts";
import { jsonOf } from "./json.ts";

/** CONTRACT §10. A new code without a row does not compile. */
const STATUS = {
  INVALID_INPUT: 400,
  UNAUTHENTICATED: 401,
  FORBIDDEN: 403,
  PROJECT_NOT_FOUND: 404,
  MODEL_NOT_FOUND: 404,
  DEPLOYMENT_NOT_FOUND: 404,
  SUBSCRIPTION_NOT_FOUND: 404,
  WEBHOOK_NOT_FOUND: 404,
  TOKEN_NOT_FOUND: 404,
  NO_ACTIVE_MODEL: 404,
  TASK_REQUIRED: 409,
  TASK_MISMATCH: 409,
  NO_QUALIFIED_MODEL: 409,
  NO_SCORED_MODEL: 409,
  NO_PREVIOUS_DEPLOYMENT: 409,
  MODEL_RETIRED: 409,
  PROJECT_FROZEN: 409,
  REASON_REQUIRED: 409,
  CONFLICT: 409,
  TOO_LARGE: 413,
  COMMAND_REUSED: 422,
  RATE_LIMITED: 429,
  CORRUPT: 500,
  STORE_UNAVAILABLE: 503,
  ABORTED: 503,
  CLOSED: 503,
} as const satisfies Record<LedgerErrorCode, number>;

/** What only HTTP can go wrong with. */
const HTTP_STATUS = {
  NOT_FOUND: 404,
  METHOD_NOT_ALLOWED: 405,
  REQUEST_TIMEOUT: 408,
  UNSUPPORTED_MEDIA_TYPE: 415,
  INTERNAL: 500,
  OVERLOADED: 503,
} as const;

export type ProblemCode = LedgerErrorCode | keyof typeof HTTP_STATUS;

export const PROBLEM_TYPE = "application/problem+json";

const CODES = Object.keys({ ...STATUS, ...HTTP_STATUS }) as [ProblemCode, ...ProblemCode[]];

/** RFC 9457. `code` is what programs go by, `detail` the whole story, `details` its facts. */
export const Problem = z
  .object({
    type: z.string().describe("A URN that ends in the code."),
    title: z.string().describe("The status in words."),
    status: z.int(),
    detail: z.string().describe("The whole story, for people."),
    code: z.enum(CODES).describe("What programs go by."),
    details: z.record(z.string(), z.unknown()).describe("The story's facts."),
    requestId: z.string(),
  })
  .meta({ id: "Problem" });
export type Problem = Readonly<z.infer<typeof Problem>>;

export interface Failure {
  readonly status: number;
  readonly code: ProblemCode;
  readonly detail: string;
  readonly details?: Readonly<Record<string, unknown>>;
}

export function problem({ status, code, detail, details = {} }: Failure, requestId: string): Problem {
  const type = `urn:model-ledger:problem:${code}`;
  return { type, title: STATUS_CODES[status] ?? code, status, detail, code, details, requestId };
}

/** How long to stay away, in seconds, where the error itself does not say. */
const RETRY_AFTER_S = 1;

export function sendProblem(request: FastifyRequest, reply: FastifyReply, failure: Failure): FastifyReply {
  const { status } = failure;
  request.problemCode = failure.code;
  if (status === 401) reply.header("www-authenticate", 'Bearer realm="model-ledger"');
  if (status === 503 && !reply.hasHeader("retry-after")) reply.header("retry-after", RETRY_AFTER_S);
  // The serializer of the route's answers has no say in this one: a string is sent as it is.
  return reply
    .code(status)
    .header("cache-control", "no-store")
    .type(PROBLEM_TYPE)
    .send(jsonOf(problem(failure, request.id)));
}

/** What the framework refuses, in the ledger's words. */
const FRAMEWORK: Readonly<Record<string, Omit<Failure, "details">>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: { status: 413, code: "TOO_LARGE", detail: "the body is larger than this service takes" },
  FST_ERR_CTP_INVALID_MEDIA_TYPE: {
    status: 415,
    code: "UNSUPPORTED_MEDIA_TYPE",
    detail: "a body must be application/json",
  },
  FST_ERR_BAD_URL: { status: 400, code: "INVALID_INPUT", detail: "the path is not well-formed: check its % escapes" },
};

export function failureOf(error: unknown, isUnderIfMatch: boolean): Failure {
  if (error instanceof LedgerError) {
    const { code } = error;
    const { message: detail, details } = discreet(error);
    const status = code === "CONFLICT" && isUnderIfMatch ? 412 : STATUS[code];
    return { status, code, detail, details };
  }
  const { code = "", statusCode = 500, message } = error as { code?: string; statusCode?: number; message: string };
  const known = FRAMEWORK[code];
  if (known) return known;
  if (statusCode === 429) return { status: 429, code: "RATE_LIMITED", detail: message };
  if (code === "FST_UNDER_PRESSURE") {
    return { status: 503, code: "OVERLOADED", detail: "the service has more to do than it can: try again" };
  }
  if (statusCode >= 400 && statusCode < 500) return { status: 400, code: "INVALID_INPUT", detail: message };
  return {
    status: 500,
    code: "INTERNAL",
    detail: "the service failed; its log has more under this request's id",
  };
}

/** Answers a failure, and logs what is not the client's doing. Nothing of a stack reaches the client. */
export function answerFailure(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const failure = failureOf(error, request.headers["if-match"] !== undefined);
  if (failure.status >= 500) {
    request.log.error({ requestId: request.id, err: error, code: failure.code }, "request failed");
  }
  return sendProblem(request, reply, failure);
}
