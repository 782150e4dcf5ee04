import type { FastifyInstance } from "fastify";
import type { ServedLedger } from "../api/served-ledger.ts";
import type { Runtime } from "../runtime.ts";

/** What the routes are made of. */
export interface HttpService {
  readonly app: FastifyInstance;
  /** @throws {LedgerError} STORE_UNAVAILABLE while its store is not there yet. */
  readonly ledger: () => ServedLedger;
  readonly runtime: Runtime;
  /** Aborts when the service begins to end: what never ends by itself ends now. */
  readonly draining: AbortSignal;
}
