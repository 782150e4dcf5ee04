import { LedgerError, type LedgerErrorCode } from "../errors.ts";
import { parseJson } from "../events/parse-json.ts";
import type { Runtime } from "../runtime.ts";
import { currentTrace } from "../tracing.ts";

/** A request is tried so often when nobody answers: a command has its id, so that twice is once. */
const MAX_ATTEMPTS = 4;
const FIRST_PAUSE_MS = 50;
/** Whoever closes waits for the answers that are still to come, but not for ever. */
const MAX_CLOSING_MS = 10_000;

export type Query = Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>;

export interface RequestOptions {
  readonly query?: Query | undefined;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
}

interface ProblemBody {
  readonly code?: string;
  readonly detail?: string;
  readonly details?: Readonly<Record<string, unknown>>;
}

/** What the service says that no ledger would. */
const FOREIGN_CODES: Readonly<Record<string, LedgerErrorCode>> = {
  NOT_FOUND: "INVALID_INPUT",
  METHOD_NOT_ALLOWED: "INVALID_INPUT",
  UNSUPPORTED_MEDIA_TYPE: "INVALID_INPUT",
  REQUEST_TIMEOUT: "STORE_UNAVAILABLE",
  INTERNAL: "STORE_UNAVAILABLE",
  OVERLOADED: "STORE_UNAVAILABLE",
};

/** Requests to one service. Whatever goes wrong comes back as the error that the ledger behind it raised. */
export class HttpClient {
  /** Without a slash at its end, and without a password. */
  readonly address: string;
  readonly #token: string | undefined;
  readonly #runtime: Runtime;
  readonly #closing = new AbortController();
  readonly #underWay = new Set<Promise<unknown>>();
  #isClosed = false;

  constructor(url: URL, token: string | undefined, runtime: Runtime) {
    this.address = `${url.origin}${url.pathname}`.replace(/\/+$/, "");
    this.#token = token;
    this.#runtime = runtime;
  }

  async json<Answer>(method: string, path: string, options: RequestOptions = {}): Promise<Answer> {
    if (this.#isClosed) throw this.#closed();
    const answer = this.#answer<Answer>(method, path, options);
    this.#underWay.add(answer);
    try {
      return await answer;
    } finally {
      this.#underWay.delete(answer);
    }
  }

  async #answer<Answer>(method: string, path: string, options: RequestOptions): Promise<Answer> {
    const response = await this.#patiently(method, path, options);
    try {
      return parseJson(await response.text()) as Answer;
    } catch (cause) {
      throw this.#failed(cause, options.signal);
    }
  }

  /**
   * Sends it once and gives the answer, whose body is the caller's to read.
   * @throws {LedgerError} what the service refused it with, STORE_UNAVAILABLE when it does not answer, ABORTED, CLOSED.
   */
  async send(method: string, path: string, { query, body, headers, signal }: RequestOptions): Promise<Response> {
    if (this.#closing.signal.aborted) throw this.#closed();
    let response: Response;
    try {
      response = await fetch(`${this.address}${path}${textOf(query)}`, {
        method,
        headers: {
          ...(this.#token !== undefined && { authorization: `Bearer ${this.#token}` }),
          ...(body !== undefined && { "content-type": "application/json" }),
          ...currentTrace(),
          ...headers,
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
        signal: signal ? AbortSignal.any([signal, this.#closing.signal]) : this.#closing.signal,
        redirect: "error",
      });
    } catch (cause) {
      throw this.#failed(cause, signal);
    }
    if (response.ok) return response;
    throw await this.#refusal(response);
  }

  /** What is asked from here on is refused; what was asked before is answered. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const cancel = this.#runtime.after(MAX_CLOSING_MS, () => this.#closing.abort());
    await Promise.allSettled(this.#underWay);
    cancel();
    this.#closing.abort();
  }

  #closed(): LedgerError {
    return new LedgerError("CLOSED", `the ledger ${this.address} is closed`);
  }

  async #patiently(method: string, path: string, options: RequestOptions): Promise<Response> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.send(method, path, options);
      } catch (error) {
        if (!(error instanceof NoAnswer) || attempt === MAX_ATTEMPTS) throw error;
        await this.#runtime.sleep(FIRST_PAUSE_MS * 4 ** (attempt - 1) * (0.5 + this.#runtime.random() / 2));
      }
    }
  }

  #failed(cause: unknown, signal: AbortSignal | undefined): LedgerError {
    if (signal?.aborted) return new LedgerError("ABORTED", "the request was aborted", {}, { cause: signal.reason });
    if (this.#closing.signal.aborted) return new LedgerError("CLOSED", `the ledger ${this.address} was closed`);
    return new NoAnswer(this.address, cause);
  }

  async #refusal(response: Response): Promise<LedgerError> {
    const text = await response.text().catch(() => "");
    const { code, detail, details } = problemIn(text);
    if (code === undefined) {
      return new LedgerError(
        "STORE_UNAVAILABLE",
        `${this.address} answered ${response.status}: is it a model-ledger?`,
        {
          status: response.status,
        },
      );
    }
    return new LedgerError(FOREIGN_CODES[code] ?? (code as LedgerErrorCode), detail ?? code, details ?? {});
  }
}

/** Nobody was there, or went away before the answer was whole. */
class NoAnswer extends LedgerError {
  constructor(address: string, cause: unknown) {
    const { cause: inner, message } = cause as {
      readonly cause?: { readonly message?: string };
      readonly message: string;
    };
    super("STORE_UNAVAILABLE", `${address} does not answer: ${inner?.message || message}`, { address }, { cause });
  }
}

function problemIn(text: string): ProblemBody {
  try {
    return JSON.parse(text) as ProblemBody;
  } catch {
    return {}; // a proxy's own page
  }
}

function textOf(query: Query = {}): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (Array.isArray(value)) for (const one of value as readonly string[]) parameters.append(name, one);
    else if (value !== undefined) parameters.set(name, String(value));
  }
  const text = parameters.toString();
  return text === "" ? "" : `?${text}`;
}
