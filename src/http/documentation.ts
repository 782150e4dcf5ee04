import swagger from "@fastify/swagger";
import swaggerUi from "@fastify/swagger-ui";
import type { FastifyInstance } from "fastify";
import { createJsonSchemaTransform } from "fastify-type-provider-zod";

/** OpenAPI 3.1 from the schemas of the routes, as JSON and as a page that loads nothing from elsewhere. */
export async function documentation(app: FastifyInstance, version: string): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: "3.1.0",
      info: {
        title: "model-ledger",
        version,
        description: "Which model was serving, when, who put it there, and why.",
        license: { name: "Apache-2.0", identifier: "Apache-2.0" },
      },
      components: { securitySchemes: { token: { type: "http", scheme: "bearer" } } },
      security: [{ token: [] }, {}],
    },
    transform: createJsonSchemaTransform({ skipList: [] }),
  });

  let text: string | undefined;
  const config = { needs: "nothing" } as const;
  app.get("/openapi.json", { config, schema: { hide: true } }, async (_, reply) => {
    text ??= JSON.stringify(app.swagger());
    return reply.type("application/json; charset=utf-8").send(text);
  });

  await app.register(async (docs) => {
    docs.addHook("onRoute", (route) => {
      route.config = { ...route.config, needs: "nothing" };
    });
    await docs.register(swaggerUi, {
      routePrefix: "/docs",
      uiConfig: { validatorUrl: null },
      staticCSP: {
        "default-src": "'self'",
        "img-src": ["'self'", "data:"],
        "style-src": ["'self'", "'unsafe-inline'"],
        "frame-ancestors": "'none'",
        "base-uri": "'none'",
        "object-src": "'none'",
      },
    });
  });
}
