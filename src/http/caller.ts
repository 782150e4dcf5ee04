import type { FastifyRequest, onRequestHookHandler } from "fastify";
import type { Access } from "../access/access.ts";
import type { Caller, Scope } from "../access/scopes.ts";
import type { ServedLedger } from "../api/served-ledger.ts";
import { LedgerError } from "../errors.ts";
import { projectNotFound } from "../ledger/queries.ts";

declare module "fastify" {
  interface FastifyRequest {
    caller: Caller;
    /** The ledger's change count when the request came: what it asks of the ledger may be answered as of then. */
    asOf: number;
    /** What the request was refused with. */
    problemCode: string | undefined;
  }
  interface FastifyContextConfig {
    /** The scope that the route asks for; "nothing" answers everybody. Default: read. */
    needs?: Scope | "nothing";
    /** The command that the route carries out, for the metrics. */
    command?: string;
  }
}

/** Sets `request.caller`, or refuses: 401, then 404 for a project they cannot see, then 403 for what they may not do. */
export function authorize(access: Access, ledger: () => ServedLedger): onRequestHookHandler {
  return (request, _reply, done) => {
    const { needs = "read" } = request.routeOptions.config;
    if (needs === "nothing" || request.is404) return done();
    request.asOf = changeCountOf(ledger);
    const caller = access.caller(request.headers.authorization, request.asOf);
    if (caller instanceof Promise) {
      caller.then((known) => admit(request, known, needs)).then(() => done(), done);
    } else {
      admit(request, caller, needs);
      done();
    }
  };
}

/** NaN, which equals nothing, while the store is not there: whoever needs it says so. */
function changeCountOf(ledger: () => ServedLedger): number {
  try {
    return ledger().changeCount();
  } catch {
    return Number.NaN;
  }
}

function admit(request: FastifyRequest, caller: Caller, needs: Scope): void {
  request.caller = caller;
  const { project } = request.params as { readonly project?: string };
  if (!caller.coversAll && project !== undefined) {
    const name = project.normalize("NFC").trim();
    if (!caller.covers(name)) throw projectNotFound(name);
  }
  if (!caller.may(needs)) {
    throw new LedgerError(
      "FORBIDDEN",
      `the token "${caller.name}" lacks the scope ${needs}: create one with --scope ${needs}`,
      { token: caller.name, scope: needs },
    );
  }
}
