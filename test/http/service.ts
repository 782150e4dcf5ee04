import type { FastifyInstance, InjectOptions } from "fastify";
import { LocalLedger } from "../../src/api/local-ledger.ts";
import { type HttpOptions, httpApp } from "../../src/http/app.ts";
import { memoryEventStore } from "../../src/store/memory.ts";

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

/** Requests without a socket. */
export function asking(app: FastifyInstance): Ask {
  return async (method, url, body, headers = {}) => {
    const payload = body === undefined ? {} : { payload: typeof body === "string" ? body : JSON.stringify(body) };
    const type = body === undefined ? {} : { "content-type": "application/json" };
    const options: InjectOptions = { method, url, headers: { ...type, ...headers }, ...payload };
    const answer = await app.inject(options);
    const isJson = /[/+]json/.test(String(answer.headers["content-type"]));
    return {
      status: answer.statusCode,
      headers: answer.headers,
      text: answer.body,
      body: isJson && answer.body !== "" ? JSON.parse(answer.body) : undefined,
    };
  };
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
