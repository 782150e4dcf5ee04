import type { FastifyBaseLogger, FastifyReply, FastifyRequest } from "fastify";
import type { Metrics } from "../observability/metrics.ts";
import { partsOf } from "./target.ts";

/** Counts and logs a request, in one line: whose it was, what became of it and how long it took. */
export function requestObserver(
  metrics: Metrics,
  logger: FastifyBaseLogger,
): (request: FastifyRequest, reply: FastifyReply) => void {
  // What stands in these lines is chosen here: to look each through for secrets took as long as to write it.
  const log = logger.child({}, { redact: [] });
  return (request, reply) => {
    const { url: route = "unknown", config } = request.routeOptions;
    const { method, problemCode } = request;
    const { statusCode, elapsedTime } = reply;
    metrics.answered(method, route, statusCode, elapsedTime / 1_000);
    if (config?.command !== undefined) {
      metrics.commanded(config.command, problemCode ?? "accepted", elapsedTime / 1_000);
    }
    const line = {
      requestId: request.id,
      method,
      path: partsOf(request.url).path,
      status: statusCode,
      ms: Math.round(elapsedTime * 10) / 10,
      ...(request.caller?.name !== undefined && { actor: request.caller.name }),
      ...(problemCode !== undefined && { code: problemCode }),
    };
    // Probes come all the time and say nothing new.
    if (config?.needs === "nothing" && statusCode < 400) log.debug(line, "answered");
    else log.info(line, "answered");
  };
}
