import type { FastifyBaseLogger, FastifyReply, FastifyRequest } from "fastify";
import type { Metrics } from "../observability/metrics.ts";
import type { Problem } from "./problem.ts";
import { partsOf } from "./target.ts";

/** Counts and logs what is asked, in one line each: whose it was, what became of it and how long it took. */
export class RequestObserver {
  readonly #metrics: Metrics;
  readonly #log: FastifyBaseLogger;

  constructor(metrics: Metrics, logger: FastifyBaseLogger) {
    this.#metrics = metrics;
    // What stands in these lines is chosen here: to look each through for secrets took as long as to write it.
    this.#log = logger.child({}, { redact: [] });
  }

  answered(request: FastifyRequest, reply: FastifyReply): void {
    const { url: route = "unknown", config } = request.routeOptions;
    const { method, problemCode } = request;
    const { statusCode, elapsedTime } = reply;
    this.#metrics.answered(method, route, statusCode, elapsedTime / 1_000);
    if (config?.command !== undefined) {
      this.#metrics.commanded(config.command, problemCode ?? "accepted", elapsedTime / 1_000);
    }
    const line = {
      requestId: request.id,
      method,
      path: partsOf(request.url).path,
      status: statusCode,
      ms: Math.round(elapsedTime * 10) / 10,
      actor: request.caller?.name, // what is undefined is left out of the line
      code: problemCode,
    };
    // Probes come all the time and say nothing new.
    if (config?.needs === "nothing" && statusCode < 400) this.#log.debug(line, "answered");
    else this.#log.info(line, "answered");
  }

  /** What could not be read as a request: nothing is known of it but what is wrong. */
  unreadable({ requestId, status, code, detail }: Problem): void {
    this.#metrics.answered("unknown", "unknown", status, 0);
    const line = { requestId, status, code, detail };
    // Connections that were opened in advance end so all the time.
    if (status === 408) this.#log.debug(line, "answered");
    else this.#log.info(line, "answered");
  }
}
