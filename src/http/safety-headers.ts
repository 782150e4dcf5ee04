import helmet from "@fastify/helmet";
import Fastify, { type FastifyInstance } from "fastify";

/**
 * On every answer: most are data, to be taken for nothing else, loaded by no other site and shown in no frame. What else
 * helmet sends says how a document behaves: data has no use for it, and it was half of a small answer.
 */
export const SAFETY_OF_DATA = {
  "content-security-policy": "default-src 'none';frame-ancestors 'none'",
  "cross-origin-resource-policy": "same-origin",
  "x-content-type-options": "nosniff",
} as const;

/** Of an answer of its own, not of helmet. */
const OWN = new Set(["content-type", "content-length", "date", "connection"]);

/** What browsers show and run, in this part of the service: its answers get the headers of helmet in place of those. */
export async function guardDocuments(app: FastifyInstance): Promise<void> {
  const headers = await headersOfHelmet();
  app.addHook("onRequest", (_request, reply, done) => {
    reply.headers(headers);
    done();
  });
}

/** They are always the same. Helmet itself writes past the framework, which would then put those of data over them. */
async function headersOfHelmet(): Promise<Readonly<Record<string, string>>> {
  const app = Fastify();
  await app.register(helmet, {
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'self'"],
        imgSrc: ["'self'", "data:"],
        styleSrc: ["'self'", "'unsafe-inline'"],
        objectSrc: ["'none'"],
        baseUri: ["'none'"],
        formAction: ["'self'"],
        frameAncestors: ["'none'"],
      },
    },
    // Plain http is served: what is in front of it decides on TLS.
    strictTransportSecurity: false,
  });
  app.get("/", async () => "");
  const { headers } = await app.inject("/");
  await app.close();
  const own = Object.entries(headers).filter(([name]) => !OWN.has(name));
  return Object.fromEntries(own.map(([name, value]) => [name, String(value)]));
}
