import type { FastifyRequest } from "fastify";
import type { Access } from "../access/access.ts";
import type { Caller, Scope } from "../access/scopes.ts";
import { LedgerError } from "../errors.ts";
import { projectNotFound } from "../ledger/queries.ts";

declare module "fastify" {
  interface FastifyRequest {
    caller: Caller;
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
export function authorize(access: Access) {
  return async (request: FastifyRequest): Promise<void> => {
    const { needs = "read" } = request.routeOptions.config;
    if (needs === "nothing" || request.is404) return;
    request.caller = await access.caller(request.headers.authorization);
    const { project } = request.params as { readonly project?: string };
    const name = project?.normalize("NFC").trim();
    if (name !== undefined && !request.caller.covers(name)) throw projectNotFound(name);
    if (!request.caller.may(needs)) {
      throw new LedgerError(
        "FORBIDDEN",
        `the token "${request.caller.name}" lacks the scope ${needs}: create one with --scope ${needs}`,
        { token: request.caller.name, scope: needs },
      );
    }
  };
}
