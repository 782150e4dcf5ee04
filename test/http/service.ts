import type { FastifyBaseLogger, FastifyInstance, InjectOptions } from "fastify";
import { LocalLedger } from "../../src/api/local-ledger.ts";
import { parseJson } from "../../src/events/parse-json.ts";
import { type HttpOptions, httpApp } from "../../src/http/app.ts";
import { memoryEventStore } from "../../src/store/memory.ts";
import { expectDocumented } from "./document.ts";

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly text: string;
  /** The body as JSON; its shape is the test's own claim. */
  // biome-ignore lint/suspicious/noExplicitAny: a test looks into answers of every shape
  readonly body: any;
}

export type Ask = (
  method: "GET" | "POST" | "PUT" | "DELETE" | "PATCH",
  url: string,
  body?: unknown,
  headers?: Readonly<Record<string, string>>,
) => Promise<Answer>;

/** Requests without a socket. Each answer must be one that the service's own document shows. */
export function asking(app: FastifyInstance): Ask {
  return async (method, url, body, headers = {}) => {
    const payload = body === undefined ? {} : { payload: typeof body === "string" ? body : JSON.stringify(body) };
    const type = body === undefined ? {} : { "content-type": "application/json" };
    const options: InjectOptions = { method, url, headers: { ...type, ...headers }, ...payload };
    const answer = await app.inject(options);
    const isJson = /[/+]json/.test(String(answer.headers["content-type"]));
    const sent = isJson && answer.body !== "" ? parseJson(answer.body) : undefined;
    const answered = { status: answer.statusCode, headers: answer.headers, text: answer.body, body: sent };
    expectDocumented(app, method, url, answered);
    return answered;
  };
}

/** A logger, and the arguments of every call of it, however little it matters. */
export function listening(): { readonly logger: FastifyBaseLogger; readonly lines: unknown[][] } {
  const lines: unknown[][] = [];
  const say = (...words: unknown[]) => void lines.push(words);
  const levels = { fatal: say, error: say, warn: say, info: say, debug: say, trace: say, silent: say };
  const logger: FastifyBaseLogger = { ...levels, level: "trace", child: () => logger };
  return { logger, lines };
}

/** A service on an empty ledger in memory. */
export async function serviceOn(options: HttpOptions = {}) {
  const ledger = new LocalLedger(memoryEventStore());
  const app = await httpApp(ledger, options);
  return {
    ledger,
    app,
    ask: asking(app),
    async [Symbol.asyncDispose]() {
      await app.close();
      await ledger.close();
    },
  };
}
