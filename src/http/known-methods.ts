import type { FastifyInstance } from "fastify";
import { partsOf } from "./target.ts";

/** Which methods there are at a path, so that another one is answered with 405 and not as if nothing were there. */
export class KnownMethods {
  readonly #routes = new Map<string, Set<string>>();

  /** Must see the app before its routes. */
  constructor(app: FastifyInstance) {
    app.addHook("onRoute", ({ url, method }) => {
      const known = this.#routes.get(url) ?? new Set();
      for (const one of [method].flat()) known.add(one);
      this.#routes.set(url, known);
    });
  }

  /** Empty where there is nothing at all. */
  at(url: string): readonly string[] {
    const segments = segmentsOf(partsOf(url).path);
    const found = [...this.#routes].filter(([route]) => {
      const known = segmentsOf(route);
      return (
        known.length === segments.length &&
        known.every((part, index) => part === segments[index] || (part.startsWith(":") && segments[index] !== ""))
      );
    });
    return [...new Set(found.flatMap(([, methods]) => [...methods]))].sort();
  }
}

const segmentsOf = (path: string): readonly string[] => path.split("/");
