import type { Page } from "./answers.ts";
import { forgetToken, token } from "./session.ts";

/** A refusal of the service, or what kept us from reaching it. `message` is a sentence for people. */
export class Problem extends Error {
  override readonly name = "Problem";
  /** 0 where no answer came. */
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }

  /** Whether asking the same again would be refused again; else the service was busy, failing or away. */
  get isRefusal(): boolean {
    return this.status >= 400 && this.status < 500 && !BUSY.includes(this.status);
  }
}

type Value = string | number | boolean | undefined;
export type Query = Readonly<Record<string, Value>>;

export interface Command {
  readonly method: "POST" | "PUT" | "DELETE";
  readonly body?: object;
  /** Repeating a command with its key does it once: a click that timed out can be repeated. */
  readonly key?: string;
  /** The revision the command was decided on; another one since refuses it. */
  readonly expectedRevision?: string;
}

function address(path: string, query: Query): string {
  const asked = Object.entries(query).filter(([, value]) => value !== undefined && value !== "");
  const search = new URLSearchParams(asked.map(([name, value]) => [name, String(value)]));
  return search.size === 0 ? path : `${path}?${search}`;
}

/** The headers that every request carries. EventSource could not send them, which is why it is not used. */
export function headers(accept: string): Headers {
  const given = new Headers({ accept });
  if (token.value !== null) given.set("authorization", `Bearer ${token.value}`);
  return given;
}

/** A service that is busy says so, and when to ask again; a repeated command carries its key. */
const BUSY = [429, 503];
const ATTEMPTS = 4;
const LONGEST_WAIT_S = 5;

/** @throws {Problem} */
export async function send(path: string, init: RequestInit): Promise<Response> {
  let response = await fetched(path, init);
  for (let attempt = 1; BUSY.includes(response.status) && attempt < ATTEMPTS; attempt += 1) {
    const waitS = Math.min(Number(response.headers.get("retry-after") ?? 1) || 1, LONGEST_WAIT_S);
    await new Promise((resolve) => setTimeout(resolve, waitS * 1_000));
    response = await fetched(path, init);
  }
  if (response.ok) return response;
  const problem = await problemOf(response);
  if (problem.status === 401) forgetToken(problem.message);
  throw problem;
}

async function fetched(path: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(path, { ...init, credentials: "omit", cache: "no-store" });
  } catch (cause) {
    if (init.signal?.aborted) throw cause;
    throw new Problem(0, "UNREACHABLE", "The service cannot be reached; what you see may be out of date.");
  }
}

async function problemOf(response: Response): Promise<Problem> {
  const { status } = response;
  try {
    const { code, detail, title } = (await response.json()) as Readonly<Record<string, string | undefined>>;
    return new Problem(status, code ?? "", detail ?? title ?? `The service answered ${status}.`);
  } catch {
    return new Problem(status, "", `The service answered ${status} without saying why.`);
  }
}

/** @throws {Problem} */
export async function ask<Answer>(path: string, query: Query = {}, signal?: AbortSignal): Promise<Answer> {
  const init = { headers: headers("application/json"), ...(signal && { signal }) };
  return (await (await send(address(path, query), init)).json()) as Answer;
}

/** The pages of a list, each as soon as it is there. */
export async function* pages<Item>(path: string, query: Query, signal: AbortSignal): AsyncGenerator<readonly Item[]> {
  let cursor: string | undefined;
  do {
    const { items, next }: Page<Item> = await ask(path, { ...query, cursor }, signal);
    yield items;
    cursor = next;
  } while (cursor !== undefined);
}

/** @throws {Problem} a refusal says in a sentence what was looked for and what was found. */
export async function command<Answer>(
  path: string,
  { method, body, key, expectedRevision }: Command,
  query: Query = {},
): Promise<Answer> {
  const given = headers("application/json");
  if (body !== undefined) given.set("content-type", "application/json");
  if (key !== undefined) given.set("idempotency-key", key);
  if (expectedRevision !== undefined) given.set("if-match", `"${expectedRevision}"`);
  const init = { method, headers: given, ...(body && { body: JSON.stringify(body) }) };
  return (await (await send(address(path, query), init)).json()) as Answer;
}
