import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import { SCOPES } from "../access/scopes.ts";
import { answersQuery } from "./responses.ts";
import { NoQuery } from "./schemas.ts";
import type { HttpService } from "./service.ts";

const Whoever = z.object({ name: z.string().nullable(), scopes: z.array(z.enum(SCOPES)) });

/** Whom the service takes the asker for: what a page needs to offer only what will be done. */
export function tokenRoute({ app: fastify }: HttpService): void {
  const app = fastify.withTypeProvider<ZodTypeProvider>();
  app.get(
    "/v1/token",
    {
      schema: {
        operationId: "whoAmI",
        summary: "The name and scopes of the token that asks",
        tags: ["operations"],
        querystring: NoQuery,
        response: answersQuery("Whom the service takes the asker for", Whoever),
      },
    },
    async ({ caller }) => ({
      /** Null where no token is asked for. */
      name: caller.name ?? null,
      scopes: SCOPES.filter((scope) => caller.may(scope)),
    }),
  );
}
