import type { FastifyRequest, onRequestHookHandler, preHandlerHookHandler } from "fastify";
import type { Access } from "../access/access.ts";
import type { Caller, Scope } from "../access/scopes.ts";
import type { ServedLedger } from "../api/served-ledger.ts";
import { LedgerError } from "../errors.ts";
import { projectNotFound } from "../ledger/queries.ts";
import { SharedLook } from "./shared-look.ts";

declare module "fastify" {
  interface FastifyRequest {
    caller: Caller;
    /** The ledger's change count once the request had come: what it asks of the ledger may be answered as of then. */
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
  const look = new SharedLook(ledger);
  return (request, _reply, done) => {
    const { needs = "read" } = request.routeOptions.config;
    if (needs === "nothing" || request.is404) return done();
    look.after((asOf) => {
      request.asOf = asOf;
      let caller: Caller | Promise<Caller>;
      try {
        caller = access.caller(request.headers.authorization, asOf);
        if (!(caller instanceof Promise)) admit(request, caller, needs);
      } catch (error) {
        return done(error as Error);
      }
      if (caller instanceof Promise) caller.then((known) => admit(request, known, needs)).then(() => done(), done);
      else done();
    });
  };
}

/** Asks again once the body of a command is there: what let the caller in may have been taken back while it came. */
export const stillAuthorized: preHandlerHookHandler = (request, _reply, done) => {
  if (request.method === "GET") return done(); // nothing was waited for
  const refuse = (holds: boolean) => done(holds ? undefined : noLongerAuthorized());
  try {
    const holds = request.caller.holds();
    if (holds instanceof Promise) holds.then(refuse, done);
    else refuse(holds);
  } catch (error) {
    done(error as Error);
  }
};

export const noLongerAuthorized = (): LedgerError =>
  new LedgerError("UNAUTHENTICATED", "what let this request in was revoked, or has expired, since it began");

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
