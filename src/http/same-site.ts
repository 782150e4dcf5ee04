import type { FastifyRequest, onRequestHookHandler } from "fastify";
import { LedgerError } from "../errors.ts";

/** The name in a Host header, without the port: "[::1]:80" is "[::1]". */
const nameOf = (host: string): string => host.replace(/:\d*$/, "").toLowerCase();

/**
 * Keeps other web sites out: those that had their name resolve to this address (Host), and those whose pages send
 * requests here (Origin, Sec-Fetch-Site). Programs send neither and are not concerned. Probes of HTTP/1.0 name no host:
 * what answers everybody answers them, too.
 */
export function refuseStrangers(hosts: readonly string[] | undefined): onRequestHookHandler {
  const known = hosts && new Set(hosts.map((host) => host.toLowerCase()));
  /** Most requests come under the same name as the one before. */
  let lastKnown: string | undefined;
  const isKnown = (host = ""): boolean => known === undefined || known.has(nameOf(host));
  function checkHost(request: FastifyRequest): void {
    const { host } = request.headers;
    if (host === undefined && request.raw.httpVersion === "1.1") {
      const message = "a request of HTTP/1.1 must say in its Host header whom it asks (RFC 9112 §3.2)";
      throw new LedgerError("INVALID_INPUT", message, { issues: [] });
    }
    if (isKnown(host)) lastKnown = host;
    else if (host !== undefined || request.routeOptions.config.needs !== "nothing") {
      const name = JSON.stringify(nameOf(host ?? ""));
      throw new LedgerError("FORBIDDEN", `this service does not go by the name ${name}`, { host: host ?? "" });
    }
  }
  return (request, _reply, done) => {
    const { headers } = request;
    const { host, origin } = headers;
    if (host === undefined || host !== lastKnown) checkHost(request);
    const isForeign =
      origin === undefined ? headers["sec-fetch-site"] === "cross-site" : hostOf(origin) !== (host ?? "").toLowerCase();
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
