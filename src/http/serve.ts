import type { AddressInfo } from "node:net";
import type { FastifyInstance, FastifyPluginAsync } from "fastify";
import { tokenAccess } from "../access/access.ts";
import { type JwtOptions, jwtReader } from "../access/jwt.ts";
import { Tokens } from "../access/tokens.ts";
import type { ServedLedger } from "../api/served-ledger.ts";
import { LedgerError } from "../errors.ts";
import { exportTraces } from "../observability/export-traces.ts";
import { LOG_LEVELS, serviceLog } from "../observability/log.ts";
import { systemRuntime } from "../runtime.ts";
import type { EventStore } from "../store/event-store.ts";
import { httpApp } from "./app.ts";

const RATE_WINDOW_MS = 10_000;
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5_000;
/** What is still under way then is cut off. */
const DRAIN_MS = 10_000;

const LOOPBACK_NAMES = ["localhost", "127.0.0.1", "[::1]"] as const;

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
  readonly jwt?: JwtOptions;
  readonly version: string;
  readonly signal: AbortSignal;
  readonly onListening: (url: string) => void;
  readonly logLevel?: string;
  readonly page?: FastifyPluginAsync;
}

export const isLoopback = (host: string): boolean =>
  host === "localhost" || host === "::1" || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host);

/**
 * Serves until `signal` aborts; then finishes what is under way, ends the event streams, and closes the ledger.
 * @throws {LedgerError} INVALID_INPUT where it would listen to everybody, STORE_UNAVAILABLE where it cannot listen.
 */
export async function serve(options: ServeOptions): Promise<void> {
  const { host, port, rateLimit, signal, version, logLevel, page, allowedHosts = [] } = options;
  const logger = serviceLog(LOG_LEVELS.find((level) => level === logLevel) ?? "info");
  const sendLastTraces = await exportTraces(version, logger);
  const jwts = options.jwt && (await jwtReader(options.jwt));
  if (options.jwt?.issuer !== undefined && options.jwt.audience === undefined) {
    logger.warn("JWTs of the issuer are taken whomever they are meant for: name them with --jwt-audience");
  }
  const isOpenUntilTokens = isLoopback(host);
  const opening = await opened(options);
  // Whoever serves also delivers: one process at a time delivers to a webhook, however many serve.
  opening.isOpen
    .then((isOpen) => (isOpen ? opening.ledger().webhooks.run({ signal }) : undefined))
    .catch((error: unknown) => logger.error({ err: error }, "webhooks are no longer delivered"));
  try {
    const mayListen = opening.isOpen.then(async (isOpen) => {
      if (!isOpen || isOpenUntilTokens || jwts) return;
      if (((await opening.tokens().current()) ?? []).length === 0) throw notWithoutTokens(host);
    });
    // A store that is elsewhere may take its time: nobody is let in before it can be asked for tokens.
    mayListen.catch(() => undefined);
    if (!options.isElsewhere) await mayListen;
    const app = await httpApp(opening.ledger, {
      version,
      draining: signal,
      access: tokenAccess({ tokens: opening.tokens, jwts, isOpenUntilTokens }),
      // Elsewhere it goes by names that only its users know, and lets nobody in without a token.
      ...(isOpenUntilTokens && {
        hosts: [...LOOPBACK_NAMES, host.includes(":") ? `[${host}]` : host, ...allowedHosts],
      }),
      ...(rateLimit !== undefined && { rate: rateLimit === 0 ? false : { max: rateLimit, windowMs: RATE_WINDOW_MS } }),
      logger,
      ...(page && { page }),
    });
    const url = await listening(app, host, port);
    logger.info({ url, version }, "listening");
    options.onListening(url);
    signal.addEventListener("abort", () => logger.info("draining"), { once: true });
    try {
      await Promise.race([aborted(signal), mayListen.then(() => aborted(signal))]);
    } finally {
      await drained(app);
    }
  } finally {
    await opening.close();
    await sendLastTraces();
  }
}

interface Opening {
  readonly ledger: () => ServedLedger;
  readonly tokens: () => Tokens;
  /** Resolves once the store is there, with false where it never came. */
  readonly isOpen: Promise<boolean>;
  close(): Promise<void>;
}

/** Waits for a store that is here, and tries a store elsewhere again and again, beside the service. */
async function opened({ open, isElsewhere, signal }: ServeOptions): Promise<Opening> {
  let found: (Opened & { readonly tokens: Tokens }) | undefined;
  let failure: unknown;
  const runtime = systemRuntime();
  const trying = (async () => {
    for (let pauseMs = FIRST_PAUSE_MS; !signal.aborted; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
      try {
        const now = await open();
        found = { ...now, tokens: new Tokens(now.store, runtime) };
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
  function there() {
    if (found) return found;
    throw failure ?? new LedgerError("STORE_UNAVAILABLE", "the store is not there yet: try again");
  }
  return {
    ledger: () => there().ledger,
    tokens: () => there().tokens,
    isOpen: trying.then(
      () => found !== undefined,
      () => false,
    ),
    async close() {
      // An attempt that is under way has nothing yet that must be let go.
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
