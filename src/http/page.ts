import { existsSync } from "node:fs";
import { join } from "node:path";
import fastifyStatic from "@fastify/static";
import type { FastifyPluginAsync } from "fastify";
import { guardDocuments } from "./safety-headers.ts";

/** Where the built page lies: beside the compiled program, or in the dist/ of a checkout. */
const PLACES = ["../../web", "../../dist/web"].map((place) => join(import.meta.dirname, place));
const INDEX = "index.html";

const NOT_BUILT = "The page is not built: npm run build makes it. The API is at /v1, its documentation at /docs.\n";

/**
 * The web page at `/`: files that hold nothing of the ledger, so they answer everybody. Their names change with their
 * content, so browsers keep them; the page itself is asked for each time.
 */
export function page(
  folder: string | undefined = PLACES.find((place) => existsSync(join(place, INDEX))),
): FastifyPluginAsync {
  return async (app) => {
    await guardDocuments(app);
    app.addHook("onRoute", (route) => {
      route.config = { ...route.config, needs: "nothing" };
      route.schema = { ...route.schema, hide: true };
    });
    if (folder === undefined) {
      app.get("/", async (_, reply) => reply.code(404).type("text/plain; charset=utf-8").send(NOT_BUILT));
      return;
    }
    await app.register(fastifyStatic, {
      root: folder,
      index: INDEX,
      wildcard: false,
      cacheControl: false,
      setHeaders(reply, path) {
        const isPage = path.endsWith(INDEX) || path.endsWith("favicon.svg");
        reply.header("cache-control", isPage ? "no-cache" : "public, max-age=31536000, immutable");
      },
    });
    // What browsers ask for by themselves, for example beside /docs.
    app.get("/favicon.ico", async (_, reply) => reply.sendFile("favicon.svg"));
  };
}
