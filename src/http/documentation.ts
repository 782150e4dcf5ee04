import swagger from "@fastify/swagger";
import swaggerUi from "@fastify/swagger-ui";
import type { FastifyContextConfig, FastifyInstance } from "fastify";
import { createJsonSchemaTransform, createJsonSchemaTransformObject } from "fastify-type-provider-zod";
import { guardDocuments } from "./safety-headers.ts";

const TAGS = [
  { name: "commands", description: "What changes the ledger. Each can be repeated under an Idempotency-Key." },
  { name: "queries", description: "What is and was in one project, and the list of all." },
  { name: "audit", description: "Questions across projects." },
  { name: "events", description: "What happens, as it happens." },
  { name: "operations", description: "How the service is." },
];

const toJsonSchema = createJsonSchemaTransform({ skipList: [] });
const toDocument = createJsonSchemaTransformObject({});

/** The scope that a route asks for, as it is enforced. Without tokens on this machine's own address none is asked for. */
const securityOf = ({ needs = "read" }: FastifyContextConfig) => (needs === "nothing" ? [] : [{ token: [needs] }, {}]);

type Document = ReturnType<typeof toDocument>;

/** Every schema is there as it goes in and as it comes out; only those that something refers to are shown. */
function withoutUnused(document: Document): Document {
  if (!("components" in document)) return document;
  const { schemas = {} } = document.components ?? {};
  const used = new Set<string>();
  function look(value: unknown): void {
    for (const [, name = ""] of JSON.stringify(value).matchAll(/"#\/components\/schemas\/([^"]+)"/g)) {
      if (used.has(name)) continue;
      used.add(name);
      look(schemas[name as keyof typeof schemas]);
    }
  }
  look({ ...document, components: {} });
  const shown = Object.fromEntries(Object.entries(schemas).filter(([name]) => used.has(name)));
  return { ...document, components: { ...document.components, schemas: shown } } as Document;
}

interface Operation {
  readonly requestBody?: {
    required?: boolean;
    readonly content: Readonly<Record<string, { readonly schema?: { readonly required?: readonly string[] } }>>;
  };
}

/** A body in which nothing is required may be left out. */
function withOptionalBodies(document: Document): Document {
  const paths = Object.values(document.paths ?? {}) as readonly Readonly<Record<string, Operation>>[];
  for (const { requestBody } of paths.flatMap((path) => Object.values(path))) {
    if (requestBody === undefined) continue;
    requestBody.required = Object.values(requestBody.content).some(({ schema }) => (schema?.required ?? []).length > 0);
  }
  return document;
}

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
      tags: TAGS,
      components: {
        securitySchemes: {
          token: {
            type: "http",
            scheme: "bearer",
            description:
              "A token of `model-ledger token create`, or a JWT of the issuer that the service trusts. An operation names the scope that it asks for: read, train, deploy or admin; each of them may also read.",
          },
        },
      },
    },
    transform: (route) => {
      const { schema, url } = toJsonSchema(route);
      if (schema.hide) return { schema, url };
      return { schema: { ...schema, security: securityOf(route.route.config ?? {}) }, url };
    },
    transformObject: (document) => withOptionalBodies(withoutUnused(toDocument(document))),
  });

  let text: string | undefined;
  const config = { needs: "nothing" } as const;
  app.get("/openapi.json", { config, schema: { hide: true } }, async (_, reply) => {
    text ??= JSON.stringify(app.swagger());
    return reply.type("application/json; charset=utf-8").send(text);
  });

  await app.register(async (docs) => {
    await guardDocuments(docs);
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
