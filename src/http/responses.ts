import { z } from "zod";
import { PROBLEM_TYPE, Problem } from "./problem.ts";

interface Response {
  readonly description: string;
  readonly content: Readonly<Record<string, { readonly schema: z.ZodType }>>;
}

const WHEN = {
  400: "The input is wrong: `details.issues` names each bad field",
  401: "A token is asked for, or this one is not known",
  403: "The token lacks the scope, or another site asks",
  404: "There is no such thing, or the token does not cover it",
  409: "A rule refused it, or a race was lost",
  412: "The race was lost under If-Match",
  413: "The body is too large",
  415: "The body is no JSON",
  422: "The Idempotency-Key was that of another command",
  429: "Too many requests in a short time: see Retry-After",
  500: "The service failed",
  503: "The store or the service is not there: see Retry-After",
} as const;

const problems = (...statuses: readonly (keyof typeof WHEN)[]): Readonly<Record<number, Response>> =>
  Object.fromEntries(
    statuses.map((status) => [status, { description: WHEN[status], content: { [PROBLEM_TYPE]: { schema: Problem } } }]),
  );

const QUERY = problems(400, 401, 403, 404, 429, 500, 503);
const COMMAND = problems(400, 401, 403, 404, 409, 412, 413, 415, 422, 429, 500, 503);
const OPERATION = problems(500, 503);

const json = (description: string, schema: z.ZodType): Response => ({
  description,
  content: { "application/json": { schema } },
});

/** A type that is not JSON. */
const text = (...types: readonly string[]): Response["content"] =>
  Object.fromEntries(types.map((type) => [type, { schema: z.string() }]));

/** What a route may answer, for the document. How an answer is written is not decided by it: hence `unknown`. */
type Documented = unknown;

export const answersQuery = (description: string, schema: z.ZodType): Documented => ({
  200: json(description, schema),
  ...QUERY,
});

/** All rows at once where `Accept` asks for another type than JSON. */
export const answersList = (description: string, schema: z.ZodType): Documented => ({
  200: {
    description,
    content: {
      ...json(description, schema).content,
      ...text("application/x-ndjson", "application/ndjson", "application/jsonl", "text/csv"),
    },
  },
  ...QUERY,
});

export const answersUnlessKnown = (description: string, schema: z.ZodType): Documented => ({
  200: json(description, schema),
  304: z.null().describe("As If-None-Match has it"),
  ...QUERY,
});

export const answersCommand = (schema: z.ZodType): Documented => ({ 200: json("Done", schema), ...COMMAND });

export const answersDeployment = (schema: z.ZodType): Documented => ({
  200: json("A dry run: what would have been done", schema),
  201: json("Recorded", schema),
  ...COMMAND,
});

export const answersEvents = (event: z.ZodType): Documented => ({
  200: {
    description: "Server-sent events: `id` is the position, `event` the type, `data` the recorded event in one line",
    content: { "text/event-stream": { schema: event } },
  },
  ...QUERY,
});

export const answersOperation = (schema: z.ZodType): Documented => ({ 200: json("So it is", schema), ...OPERATION });

export const answersText = (description: string, type: string): Documented => ({
  200: { description, content: text(type) },
  ...QUERY,
});
