import type { FastifyRequest } from "fastify";
import { LedgerError } from "../errors.ts";
import { projectNotFound } from "../ledger/queries.ts";

export const SCOPES = ["read", "train", "deploy", "admin"] as const;
export type Scope = (typeof SCOPES)[number];

/** Who asks, and what they may. */
export interface Caller {
  /** Becomes the actor of their commands; undefined where anybody may ask. */
  readonly name: string | undefined;
  may(scope: Scope): boolean;
  /** Whether this project is there for them: others do not exist. */
  covers(project: string): boolean;
  /** Every project there is or will be. */
  readonly coversAll: boolean;
}

/** Of a service on this machine's own address without tokens. */
export const ANYBODY: Caller = { name: undefined, may: () => true, covers: () => true, coversAll: true };

/** Finds out who asks. */
export interface Access {
  /**
   * @param authorization the header as it came.
   * @throws {LedgerError} UNAUTHENTICATED
   */
  caller(authorization: string | undefined): Promise<Caller>;
}

export const OPEN_ACCESS: Access = { caller: async () => ANYBODY };

declare module "fastify" {
  interface FastifyRequest {
    caller: Caller;
  }
  interface FastifyContextConfig {
    /** The scope that the route asks for; "nothing" answers everybody. Default: read. */
    needs?: Scope | "nothing";
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
