import { lookup } from "node:dns";
import { isIP, type LookupFunction } from "node:net";
import { Agent, buildConnector, request } from "undici";
import { isPublicAddress } from "./public-address.ts";

/** One attempt, as it goes over the wire. */
export interface Outgoing {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly allowPrivate: boolean;
}

export interface Answer {
  readonly status: number;
  /** What the receiver asks to be left alone for. */
  readonly retryAfterMs?: number;
}

/** Sends and gives the answer, whatever its status; follows no redirect. Rejects when there is no answer. */
export type Send = (outgoing: Outgoing, signal: AbortSignal) => Promise<Answer>;

const CONNECT_TIMEOUT_MS = 10_000;
/** An answer is read so far, for the connection to be used again. */
const MAX_ANSWER_BYTES = 64 * 1024;

function refuse(host: string, address: string): Error {
  const where = host === address ? address : `${host} (${address})`;
  return new Error(`${where} is no public address: nothing was sent`);
}

/** The DNS, whose answer is taken only if every address in it is public: nothing else is ever connected to. */
const publicLookup: LookupFunction = (hostname, options, callback) => {
  lookup(hostname, { ...options, all: true }, (error, addresses) => {
    const privateOne = error ? undefined : addresses.find(({ address }) => !isPublicAddress(address));
    const [first] = addresses ?? [];
    if (error) callback(error, "", 0);
    else if (privateOne) callback(refuse(hostname, privateOne.address), "", 0);
    else if (options.all) callback(null, addresses);
    else callback(null, first?.address ?? "", first?.family ?? 0);
  });
};

const connectAnywhere = buildConnector({ timeout: CONNECT_TIMEOUT_MS });
const connectToPublic = buildConnector({ timeout: CONNECT_TIMEOUT_MS, lookup: publicLookup });

/** An address in place of a name is not looked up; and what was connected to in the end is looked at once more. */
const guardedConnect: buildConnector.connector = (options, callback) => {
  const host = options.hostname.replace(/^\[|\]$/g, "");
  if (isIP(host) !== 0 && !isPublicAddress(host)) {
    callback(refuse(host, host), null);
    return;
  }
  connectToPublic(options, (error, socket) => {
    if (error) {
      callback(error, null);
    } else if (socket.remoteAddress === undefined || !isPublicAddress(socket.remoteAddress)) {
      socket.destroy();
      callback(refuse(host, socket.remoteAddress ?? "unknown"), null);
    } else callback(null, socket);
  });
};

const MS = 1_000;

/** Seconds, or a date; nothing when it is neither. */
function retryAfterMs(header: string | readonly string[] | undefined): number | undefined {
  const text = String(header ?? "").trim();
  if (/^\d{1,9}$/.test(text)) return Number(text) * MS;
  const date = Date.parse(text);
  return Number.isNaN(date) ? undefined : Math.max(0, date - Date.now());
}

/** What a failed connection says, also where the message is only in its parts. */
function reason(error: unknown): Error {
  if (error instanceof AggregateError) return reason(error.errors[0]);
  if (!(error instanceof Error)) return new Error(String(error));
  if (error.cause instanceof Error) return reason(error.cause);
  return new Error(error.message || ("code" in error ? String(error.code) : error.name), { cause: error });
}

/** Over HTTP, by undici: Node's own fetch takes no connector. */
export function httpSend(): { readonly send: Send; readonly close: () => Promise<void> } {
  const anywhere = new Agent({ connect: connectAnywhere });
  const guarded = new Agent({ connect: guardedConnect });
  return {
    async send({ url, headers, body, allowPrivate }, signal) {
      try {
        const dispatcher = allowPrivate ? anywhere : guarded;
        const answer = await request(url, { method: "POST", headers, body, signal, dispatcher });
        await answer.body.dump({ limit: MAX_ANSWER_BYTES, signal }).catch(() => undefined); // the status counts
        const wait = retryAfterMs(answer.headers["retry-after"]);
        return { status: answer.statusCode, ...(wait !== undefined && { retryAfterMs: wait }) };
      } catch (error) {
        throw signal.aborted ? error : reason(error);
      }
    },
    async close() {
      await Promise.all([anywhere.destroy(), guarded.destroy()]);
    },
  };
}
