import { z } from "zod";
import { LedgerError } from "../errors.ts";
import type { Metrics } from "../observability/metrics.ts";
import type { EventStreams } from "./event-streams.ts";
import { answersOperation, answersText } from "./responses.ts";
import type { HttpService } from "./service.ts";

const PATIENCE_MS = 2_000;

/** Whether the process lives, whether it can do its work, and how it does. */
export function operationsRoutes(
  { app, ledger, runtime, draining }: HttpService,
  metrics: Metrics,
  streams: EventStreams,
): void {
  const config = { needs: "nothing", rateLimit: false } as const;
  const tags = ["operations"];

  app.get(
    "/healthz",
    {
      config,
      schema: {
        operationId: "isAlive",
        summary: "Whether the process lives",
        tags,
        response: answersOperation(z.object({ status: z.literal("ok") })),
      },
    },
    async () => ({
      status: "ok",
    }),
  );

  app.get(
    "/readyz",
    {
      config,
      schema: {
        operationId: "isReady",
        summary: "Whether it can answer: asks the store",
        tags,
        response: answersOperation(z.object({ status: z.literal("ready") })),
      },
    },
    async () => {
      if (draining.aborted) throw new LedgerError("STORE_UNAVAILABLE", "the service is draining: it is about to end");
      await inTime(ledger().head());
      return { status: "ready" };
    },
  );

  app.get(
    "/metrics",
    {
      schema: {
        operationId: "getMetrics",
        summary: "Figures for Prometheus",
        tags,
        response: answersText("In its text format", "text/plain"),
      },
    },
    async ({ caller }, reply) => {
      const text = await metrics.text(ledger, streams.size, (project) => caller.covers(project));
      return reply.type(metrics.contentType).send(text);
    },
  );

  async function inTime<Result>(work: Promise<Result>): Promise<Result> {
    const { promise: late, reject } = Promise.withResolvers<never>();
    const cancel = runtime.after(PATIENCE_MS, () =>
      reject(new LedgerError("STORE_UNAVAILABLE", `the store did not answer within ${PATIENCE_MS} ms`)),
    );
    try {
      return await Promise.race([work, late]);
    } finally {
      cancel();
    }
  }
}
