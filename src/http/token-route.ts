import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { SCOPES } from "../access/scopes.ts";
import { NoQuery } from "./schemas.ts";
import type { HttpService } from "./service.ts";

/** Whom the service takes the asker for: what a page needs to offer only what will be done. */
export function tokenRoute({ app: fastify }: HttpService): void {
  const app = fastify.withTypeProvider<ZodTypeProvider>();
  app.get(
    "/v1/token",
    { schema: { summary: "The name and scopes of the token that asks", tags: ["operations"], querystring: NoQuery } },
    async ({ caller }) => ({
      /** Null where no token is asked for. */
      name: caller.name ?? null,
      scopes: SCOPES.filter((scope) => caller.may(scope)),
    }),
  );
}
