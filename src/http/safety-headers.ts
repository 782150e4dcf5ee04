import helmet from "@fastify/helmet";
import Fastify, { type FastifyInstance } from "fastify";

/** Of an answer of its own, not of helmet. */
const OWN = new Set(["content-type", "content-length", "date", "connection"]);

/** The headers of helmet on every answer. They are always the same, and made once. */
export async function addSafetyHeaders(app: FastifyInstance): Promise<void> {
  const headers = await headersOfHelmet();
  app.addHook("onRequest", (_request, reply, done) => {
    reply.headers(headers);
    done();
  });
}

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
