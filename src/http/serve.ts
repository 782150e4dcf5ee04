import type { AddressInfo } from "node:net";
import type { FastifyBaseLogger, FastifyInstance, FastifyPluginAsync } from "fastify";
import type { ServedLedger } from "../api/served-ledger.ts";
import { LedgerError } from "../errors.ts";
import { systemRuntime } from "../runtime.ts";
import type { EventStore } from "../store/event-store.ts";
import { httpApp } from "./app.ts";

const RATE_WINDOW_MS = 10_000;
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5_000;
/** What is still under way then is cut off. */
const DRAIN_MS = 10_000;

interface Opened {
  readonly ledger: ServedLedger;
  readonly store: EventStore;
}

export interface ServeOptions {
  readonly open: () => Promise<Opened>;
  /** The store may come up later than the service: it is waited for. */
  readonly isElsewhere: boolean;
  readonly host: string;
  readonly port: number;
  readonly rateLimit?: number;
  readonly allowedHosts?: readonly string[];
  readonly version: string;
  readonly signal: AbortSignal;
  readonly onListening: (url: string) => void;
  readonly logger?: FastifyBaseLogger;
  readonly page?: FastifyPluginAsync;
}

export const isLoopback = (host: string): boolean =>
  host === "localhost" || host === "::1" || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host);

/**
 * Serves until `signal` aborts; then finishes what is under way, ends the event streams, and closes the ledger.
 * @throws {LedgerError} INVALID_INPUT where it would listen to everybody, STORE_UNAVAILABLE where it cannot listen.
 */
export async function serve(options: ServeOptions): Promise<void> {
  const { host, port, rateLimit, signal, version, logger, page, allowedHosts = [] } = options;
  if (!isLoopback(host)) throw notWithoutTokens(host);
  const opening = await opened(options);
  try {
    const app = await httpApp(opening.ledger, {
      version,
      draining: signal,
      hosts: ["localhost", "127.0.0.1", "[::1]", ...(host.includes(":") ? [`[${host}]`] : [host]), ...allowedHosts],
      ...(rateLimit !== undefined && { rate: rateLimit === 0 ? false : { max: rateLimit, windowMs: RATE_WINDOW_MS } }),
      ...(logger && { logger }),
      ...(page && { page }),
    });
    options.onListening(await listening(app, host, port));
    await aborted(signal);
    await drained(app);
  } finally {
    await opening.close();
  }
}

interface Opening {
  readonly ledger: () => ServedLedger;
  close(): Promise<void>;
}

/** Waits for a store that is here, and tries a store elsewhere again and again, beside the service. */
async function opened({ open, isElsewhere, signal }: ServeOptions): Promise<Opening> {
  let found: Opened | undefined;
  let failure: unknown;
  const runtime = systemRuntime();
  const trying = (async () => {
    for (let pauseMs = FIRST_PAUSE_MS; !signal.aborted; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
      try {
        found = await open();
        return;
      } catch (error) {
        failure = error;
        const isPassing = error instanceof LedgerError && error.code === "STORE_UNAVAILABLE";
        if (!isElsewhere || !isPassing) throw error;
      }
      const { promise, resolve } = Promise.withResolvers<void>();
      const cancel = runtime.after(pauseMs, resolve);
      signal.addEventListener("abort", () => resolve(), { once: true });
      await promise;
      cancel();
    }
  })();
  if (isElsewhere) trying.catch(() => undefined);
  else await trying;
  return {
    ledger() {
      if (found) return found.ledger;
      throw failure ?? new LedgerError("STORE_UNAVAILABLE", "the store is not there yet: try again");
    },
    async close() {
      await trying.catch(() => undefined);
      await found?.ledger.close();
    },
  };
}

async function listening(app: FastifyInstance, host: string, port: number): Promise<string> {
  try {
    await app.listen({ host, port });
  } catch (cause) {
    const { code = "", message } = cause as NodeJS.ErrnoException;
    const why = code === "EADDRINUSE" ? "somebody else listens there" : message;
    throw new LedgerError(
      "INVALID_INPUT",
      `cannot listen at ${host} port ${port}: ${why}; --port 0 takes one that is free`,
      { host, port },
      { cause },
    );
  }
  const { address, family, port: bound } = app.server.address() as AddressInfo;
  return `http://${family === "IPv6" ? `[${address}]` : address}:${bound}`;
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

async function drained(app: FastifyInstance): Promise<void> {
  const cancel = systemRuntime().after(DRAIN_MS, () => app.server.closeAllConnections());
  await app.close();
  cancel();
}

function notWithoutTokens(host: string): LedgerError {
  return new LedgerError(
    "INVALID_INPUT",
    `listening at ${host} would let anybody in: serve at 127.0.0.1, or create a token first`,
    { host },
  );
}
