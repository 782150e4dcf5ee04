import type { FastifyInstance } from "fastify";

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
    const parts = partsOf(url.split("?", 1)[0] ?? "");
    const found = [...this.#routes].filter(([route]) => {
      const known = partsOf(route);
      return (
        known.length === parts.length &&
        known.every((part, index) => part === parts[index] || (part.startsWith(":") && parts[index] !== ""))
      );
    });
    return [...new Set(found.flatMap(([, methods]) => [...methods]))].sort();
  }
}

const partsOf = (path: string): readonly string[] => path.split("/");
