import type { onRequestHookHandler } from "fastify";
import { LedgerError } from "../errors.ts";

/** The name in a Host header, without the port: "[::1]:80" is "[::1]". */
const nameOf = (host: string): string => host.replace(/:\d*$/, "").toLowerCase();

/**
 * Keeps other web sites out: those that had their name resolve to this address (Host), and those whose pages send
 * requests here (Origin, Sec-Fetch-Site). Programs send neither and are not concerned.
 */
export function refuseStrangers(hosts: readonly string[] | undefined): onRequestHookHandler {
  const known = hosts && new Set(hosts.map((host) => host.toLowerCase()));
  /** Most requests come under the same name as the one before. */
  let lastKnown: string | undefined;
  return ({ headers }, _reply, done) => {
    const { host = "", origin } = headers;
    if (known && host !== lastKnown && !known.has(nameOf(host))) {
      throw new LedgerError("FORBIDDEN", `this service does not go by the name ${JSON.stringify(nameOf(host))}`, {
        host,
      });
    }
    lastKnown = host;
    const isForeign =
      origin === undefined ? headers["sec-fetch-site"] === "cross-site" : hostOf(origin) !== host.toLowerCase();
    const isNavigation = headers["sec-fetch-mode"] === "navigate" && origin === undefined;
    if (isForeign && !isNavigation) {
      throw new LedgerError("FORBIDDEN", "pages of other sites may not use this service", { origin });
    }
    done();
  };
}

function hostOf(origin: string): string | undefined {
  return URL.canParse(origin) ? new URL(origin).host : undefined;
}
